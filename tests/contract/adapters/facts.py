"""What a case of the adapters' contract is, and how it looks at failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from snapshot_export.adapters.table.dynamodb import Table
from snapshot_export.errors import ConditionFailedError, WriteRefusedError
from tests.contract.adapters.implementations import Deployment

Facts = Iterator[tuple[str, Any, Any]]
"""(fact, what was seen, what AWS does)."""
Case = Callable[[Deployment], Facts]


def failure(call: Callable[[], Any]) -> str:
    """The class of what a call raises and its text; `nothing` if it raises nothing."""
    try:
        call()
    except Exception as error:  # the error is what is compared
        return f"{type(error).__name__}: {error}"
    return "nothing"


def failed_positions(call: Callable[[], Any]) -> Any:
    """Which writes of a transaction failed, and how."""
    try:
        call()
    except (ConditionFailedError, WriteRefusedError) as error:
        return type(error).__name__, error.failed
    return "nothing"


def table_of(deployment: Deployment) -> Table:
    return Table(
        deployment.session.client("dynamodb"), deployment.settings.table_name, lambda _: None
    )

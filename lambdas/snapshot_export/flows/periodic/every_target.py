"""What is done for every target in turn: one that fails does not hold up the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.errors import SnapshotExportError

Result = TypeVar("Result")

logger = Logger(child=True)


def for_every_target(services: Services, flow: Callable[[Services], Result]) -> list[Result]:
    """The flow's results, one for each target; the first error is raised after the last target.

    Every line that is logged on the way names the target.
    """
    results: list[Result] = []
    errors: list[SnapshotExportError] = []
    try:
        for own in services.each_target():
            logger.append_keys(target=own.settings.target)
            try:
                results.append(flow(own))
            except SnapshotExportError as error:
                logger.warning("not done", reason=f"{type(error).__name__}: {error}")
                errors.append(error)
    finally:
        logger.remove_keys(["target"])
    if errors:
        raise errors[0]
    return results

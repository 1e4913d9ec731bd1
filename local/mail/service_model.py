"""The operations of SES that are emulated, as botocore's service model describes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import unquote

import botocore.session

from local.quicksight.service_model import Operation, http_status_of, read_operation

OPERATIONS = (
    "SendEmail",
    "GetAccount",
    "PutAccountSendingAttributes",
    "PutAccountSuppressionAttributes",
    "CreateEmailIdentity",
    "GetEmailIdentity",
    "PutSuppressedDestination",
    "GetSuppressedDestination",
    "DeleteSuppressedDestination",
    "ListSuppressedDestinations",
)
"""ministack's own do for the rest: configuration sets, event destinations, lists and deletions."""


@cache
def load_operations() -> dict[str, Operation]:
    """The emulated operations by name."""
    model = _model()
    return {name: read_operation(model.operation_model(name)) for name in OPERATIONS}


def find_operation(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """The operation that a request means, with its decoded labels; None if it is not one of ours.

    The path of an identity or an address may come decoded: an `@` is in it, never a slash.
    """
    for operation in load_operations().values():
        found = operation.route.fullmatch(path)
        if found and operation.method == method:
            return operation, {name: unquote(text) for name, text in found.groupdict().items()}
    return None


@cache
def status_of(code: str) -> int:
    """The HTTP code of an exception of SES's."""
    return http_status_of(_model().shape_for(code))


def read_query(operation: Operation, query: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The members that stand in the URI's query; a list may come several times."""
    members: dict[str, Any] = {}
    for name, shape in operation.input_shape.members.items():
        values = query.get(shape.serialization.get("name", name))
        if shape.serialization.get("location") != "querystring" or not values:
            continue
        if shape.type_name == "list":
            members[name] = list(values)
        elif shape.type_name == "timestamp":
            members[name] = datetime.fromisoformat(values[0]).timestamp()
        else:
            whole = shape.type_name == "integer" and values[0].lstrip("-").isdecimal()
            members[name] = int(values[0]) if whole else values[0]
    return members


def _model() -> Any:
    return botocore.session.get_session().get_service_model("sesv2")

"""SES's operations as requests and answers of HTTP."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from local.mail.errors import MailError, bad_request
from local.mail.service import Caller, MailService
from local.mail.service_model import find_operation, read_query
from local.quicksight.validation import read_members

Answer = tuple[int, dict[str, str], bytes]
_JSON = "application/json"
_ERROR = "application/x-amz-json-1.1"
"""As AWS sends errors of SES v2, unlike its answers."""


def answer_request(
    service: MailService,
    caller: Caller,
    method: str,
    path: str,
    query: Mapping[str, Sequence[str]],
    body: bytes,
) -> Answer | None:
    """Status, headers and body; None if the operation is not one of `service`'s."""
    found = find_operation(method, path.rstrip("/"))
    if found is None:
        return None
    operation, labels = found
    try:
        asked = _read_body(body) | read_query(operation, query) | labels
        members, violations = read_members(operation.input_shape, asked)
        if violations:
            raise bad_request("; ".join(violations))
        result = service.call(operation.name, members, caller)
    except MailError as error:
        refusal = {"message": error.message}
        headers = {"Content-Type": _ERROR, "x-amzn-errortype": error.code}
        return error.http_status, headers, json.dumps(refusal).encode()
    return 200, {"Content-Type": _JSON}, json.dumps(result).encode()


def _read_body(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body) if body else {}
    except ValueError as error:
        raise bad_request(f"the body is not JSON: {error}") from None
    if not isinstance(members, dict):
        raise bad_request("the body is not a JSON object")
    return members

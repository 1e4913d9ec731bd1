"""Answers written in rest-json form from the service model's output shapes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.quicksight.errors import ServiceError
from local.quicksight.service_model import Operation, http_status_of


@dataclass(frozen=True)
class HttpAnswer:
    """One answer, ready to be sent."""

    status: int
    headers: dict[str, str]
    body: bytes


def write_output(operation: Operation, output: Mapping[str, Any], request_id: str) -> HttpAnswer:
    """An answer of the operation; members that the model does not have are an error of ours."""
    status, members = 200, {}
    for name, value in output.items():
        shape = operation.output_shape.members[name]
        if shape.serialization.get("location") == "statusCode":
            status = int(value)
        else:
            members[name] = _write(shape, value)
    return _answer(status, {"x-amzn-requestid": request_id}, members)


def write_error(operation: Operation | None, error: ServiceError, request_id: str) -> HttpAnswer:
    """A refusal: the exception's name in `x-amzn-errortype`, its modelled members in the body."""
    shape = operation.errors.get(error.code) if operation else None
    status = error.http_status or (http_status_of(shape) if shape else 400)
    members = {"Message": error.message, "RequestId": request_id}
    if shape and "ResourceType" in shape.members:
        members["ResourceType"] = error.resource_type
    headers = {"x-amzn-requestid": request_id, "x-amzn-errortype": error.code}
    return _answer(status, headers, members)


def _answer(status: int, headers: dict[str, str], members: Mapping[str, Any]) -> HttpAnswer:
    headers = {"content-type": "application/json", **headers}
    return HttpAnswer(status, headers, json.dumps(members).encode())


def _write(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure":
        return {name: _write(shape.members[name], entry) for name, entry in value.items()}
    if shape.type_name == "list":
        return [_write(shape.member, entry) for entry in value]
    return value

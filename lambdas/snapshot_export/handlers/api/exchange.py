"""What every router takes from a request and gives as an answer."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel

from snapshot_export.adapters.services import Services, services_from_env
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.domain.request import choose_target
from snapshot_export.domain.target import TARGET_NAME
from snapshot_export.handlers.api.error_shape import REFUSALS, ApiError

JSON = "application/json"


OfTarget = Annotated[str, Query(alias="Target", pattern=f"^{TARGET_NAME}$")]
"""The query parameter of calls that are of one target; DEFAULT_TARGET unless given."""


def make_router() -> APIGatewayHttpRouter:
    """A router for `app.py` to include."""
    return APIGatewayHttpRouter()  # type: ignore[no-untyped-call]


def services() -> Services:
    """The adapters of this function; made once per execution environment."""
    return services_from_env()


def services_of(target: str) -> Services:
    """The adapters as of a target. Raises InvalidRequestError that names the known ones."""
    return services().for_target(choose_target(services().targets, target).name)


def raw_body(router: APIGatewayHttpRouter) -> str:
    """The request's body as text, "" without one. Raises InvalidRequestError if it is no UTF-8."""
    event = router.current_event.raw_event
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body)
    try:
        return base64.b64decode(body, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidRequestError((Problem("", "must be UTF-8"),)) from None


def reply(
    body: BaseModel, status: int = 200, headers: dict[str, str] | None = None
) -> Response[str]:
    """An answer with a JSON body; members that are None are there, as null."""
    return Response(
        status_code=status,
        content_type=JSON,
        body=body.model_dump_json(),
        headers=dict(headers or {}),
    )


def answers(status: int, model: type[BaseModel], description: str, *refusals: int) -> Any:
    """A route's `responses`: its success, and the refusals it can give besides 400, 403 and 503."""
    documented: dict[int, Any] = {
        status: {"description": description, "content": {JSON: {"model": model}}}
    }
    for code in (400, 403, *refusals, 503):
        documented[code] = {
            "description": REFUSALS[code],
            "content": {JSON: {"model": ApiError}},
        }
    return documented

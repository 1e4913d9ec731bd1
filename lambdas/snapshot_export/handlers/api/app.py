"""The API function's resolver: requests of an HTTP API (payload 2.0) to the routers."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from snapshot_export.adapters.measuring import metrics
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.domain.scopes import scope_of, scopes_in
from snapshot_export.errors import MissingScopeError
from snapshot_export.handlers.api import (
    bursts,
    capacity,
    dashboards,
    exports,
    forecast,
    schedules,
    slots,
)
from snapshot_export.handlers.api.errors import answer_error, refuse
from snapshot_export.handlers.api.exchange import services
from snapshot_export.handlers.boundary import guarded, logger

ROUTERS = (exports, bursts, dashboards, capacity, slots, forecast, schedules)
"""Modules with `router` and `BODIES`; their order is the document's."""

_IDS = {
    "export_id": "export_id",
    "burst_id": "burst_id",
    "dashboard_id": "dashboard_id",
    "name": "schedule",
}


def make_app() -> APIGatewayHttpResolver:
    """The resolver with every router."""
    resolver = APIGatewayHttpResolver(enable_validation=True)
    for module in ROUTERS:
        resolver.include_router(module.router)
    resolver.use([_check_scope, _refuse_unknown_parameters])
    resolver.exception_handler(Exception)(answer_error)
    resolver.not_found(_answer_unknown_route)
    return resolver


def _check_scope(
    resolver: APIGatewayHttpResolver, next_middleware: NextMiddleware
) -> Response[Any]:
    """API Gateway asked for the route's scope before; this holds whatever becomes of its routes.

    Where tokens are expected, a call without one is refused too.
    """
    authorizer = resolver.current_event.raw_event["requestContext"].get("authorizer") or {}
    names = services().settings.jwt_scopes
    if names or "jwt" in authorizer:
        call = resolver.current_event
        name = names.get(scope_of(call.http_method, call.path), "")
        if name not in scopes_in((authorizer.get("jwt") or {}).get("claims") or {}):
            raise MissingScopeError(name)
    return next_middleware(resolver)


def _refuse_unknown_parameters(
    resolver: APIGatewayHttpResolver, next_middleware: NextMiddleware
) -> Response[Any]:
    """A misspelt query parameter would otherwise be dropped silently."""
    route = resolver.context["_route"]
    logger.append_keys(**_ids_of(resolver.context["_route_args"]))
    known = {field.alias for field in route.dependant.query_params}
    given = resolver.current_event.query_string_parameters or {}
    unknown = sorted(set(given) - known)
    if unknown:
        raise InvalidRequestError(
            tuple(Problem(f"query.{name}", "is not a parameter of this call") for name in unknown)
        )
    return next_middleware(resolver)


def _ids_of(arguments: dict[str, str]) -> dict[str, str]:
    """What of a path's arguments the lines of its call are found by."""
    return {_IDS[name]: value for name, value in arguments.items() if name in _IDS}


def _answer_unknown_route(_error: Exception) -> Response[str]:
    path = app.current_event.path
    routes = app._static_routes + app._dynamic_routes
    methods = sorted({route.method for route in routes if route.rule.match(path)})
    if methods:
        allowed = ", ".join(methods)
        text = f"This path takes {allowed}."
        return refuse(405, "METHOD_NOT_ALLOWED", text, headers={"Allow": allowed})
    return refuse(404, "NOT_FOUND", "There is no such path.")


app = make_app()


@metrics.log_metrics
@guarded
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """HTTP API event in, HTTP answer out; never an exception that a request could cause."""
    logger.append_keys(api_request_id=event["requestContext"]["requestId"])
    answer: dict[str, Any] = app.resolve(event, context)
    return answer

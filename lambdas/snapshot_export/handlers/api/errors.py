"""Every error becomes an answer of one shape (error_shape.py).

Texts name ids, members, places and rules, never values of a request. `Code` is for programs.
"""

from __future__ import annotations

from collections.abc import Iterable

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)

from snapshot_export.domain.problem import (
    MAX_PLACE_CHARACTERS,
    MAX_PROBLEMS,
    InvalidRequestError,
    Problem,
)
from snapshot_export.domain.shape import rule_text
from snapshot_export.errors import (
    AlreadyEndedError,
    DeclaredScheduleError,
    IdConflictError,
    MissingScopeError,
    NoLinksError,
    NotHeldError,
    NotResendableError,
    RetryRefusedError,
    SnapshotExportError,
    UnknownIdError,
    UnknownTargetError,
    UnreadableDashboardError,
    UnreadableRecordError,
)
from snapshot_export.handlers.api.error_shape import ApiError, ApiProblem
from snapshot_export.handlers.api.exchange import reply
from snapshot_export.handlers.boundary import describe_place, logger

_PAGE = "docs/operations.md"
RETRY_AFTER_SECONDS = 2
_STATES: dict[type[SnapshotExportError], tuple[int, str]] = {
    UnknownIdError: (404, "NOT_FOUND"),
    IdConflictError: (409, "ID_CONFLICT"),
    MissingScopeError: (403, "MISSING_SCOPE"),
    DeclaredScheduleError: (409, "DECLARED_SCHEDULE"),
    UnreadableDashboardError: (409, "DASHBOARD_UNREADABLE"),
    UnknownTargetError: (409, "UNKNOWN_TARGET"),
    AlreadyEndedError: (409, "ALREADY_ENDED"),
    NotHeldError: (409, "NOT_HELD"),
    NotResendableError: (409, "NOT_RESENDABLE"),
    NoLinksError: (409, "NO_LINKS"),
}
"""What the state of something does not allow; the error's own text says so."""


def refuse(
    status: int,
    code: str,
    message: str,
    problems: Iterable[Problem] = (),
    headers: dict[str, str] | None = None,
) -> Response[str]:
    """An answer of the one shape."""
    shown = [
        ApiProblem(
            Field=problem.field[:MAX_PLACE_CHARACTERS],
            Place=problem.place[:MAX_PLACE_CHARACTERS],
            Rule=problem.rule,
        )
        for problem in [*problems][:MAX_PROBLEMS]
    ]
    logger.info("refused", reason=code, status=status)
    return reply(ApiError(Code=code, Message=message, Problems=shown), status, headers)


def answer_error(error: Exception) -> Response[str]:
    """The answer for an exception of a route; what nobody expected is a 500 without its text."""
    match error:
        case InvalidRequestError():
            return refuse(400, "INVALID_REQUEST", "The request breaks rules.", error.problems)
        case RequestValidationError():
            return refuse(400, "INVALID_REQUEST", "The request breaks rules.", _problems_of(error))
        case RequestUnsupportedContentType():
            return refuse(400, "INVALID_REQUEST", "The body must be JSON.")
        case UnreadableRecordError():
            logger.error("not done", reason=str(error))
            return refuse(409, "RECORD_UNREADABLE", f"{error}. See RecordsUnreadable in {_PAGE}.")
        case RetryRefusedError():
            return refuse(409, error.code, str(error))
        case SnapshotExportError() if type(error) in _STATES:
            return refuse(*_STATES[type(error)], str(error))
        case SnapshotExportError() if error.is_transient:
            logger.warning("not done", reason=f"{type(error).__name__}: {error}")
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            return refuse(503, "BUSY", "Busy: try again.", headers=headers)
    place = describe_place(error)
    logger.error("unexpected exception", reason=place)
    return refuse(500, "INTERNAL_ERROR", "The error is in the function's log.")


def _problems_of(error: RequestValidationError) -> list[Problem]:
    return [
        Problem(".".join(str(part) for part in item["loc"]), rule_text(item["type"], item["msg"]))
        for item in error.errors()
    ]

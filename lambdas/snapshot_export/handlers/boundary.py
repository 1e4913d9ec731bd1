"""What every handler does at its edge: log with ids, count, and let no foreign exception out.

An exception's text and a traceback's locals can carry customers' values, and both reach logs and
the history of executions. So what nobody expected leaves as its type and place only.
"""

from __future__ import annotations

import functools
import traceback
import warnings
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import prepare_services
from snapshot_export.errors import SnapshotExportError, UnexpectedError

logger = Logger()

# An invocation that counts nothing is usual; the warning would be a line that is no JSON.
warnings.filterwarnings("ignore", message="No application metrics to publish")

_OF_ONE_INVOCATION = (
    "export_id",
    "attempt",
    "burst_id",
    "schedule",
    "delivery_id",
    "message_id",
    "api_request_id",
)
"""Keys that handlers add to every further line, and that the next invocation must not inherit."""

Handler = Callable[[Any, Any], Any]


def guarded(handler: Handler) -> Handler:
    """Wrap a handler: our own errors pass as they are, all others as UnexpectedError.

    In Lambda the services that it will ask for are made now.
    """

    prepare_services()

    @functools.wraps(handler)
    def wrapper(event: Any, context: Any) -> Any:
        logger.remove_keys([*_OF_ONE_INVOCATION])
        logger.append_keys(function_request_id=getattr(context, "aws_request_id", ""))
        try:
            return handler(event, context)
        except SnapshotExportError as error:
            logger.warning("not done", reason=f"{type(error).__name__}: {error}")
            raise
        except Exception as error:
            place = describe_place(error)
            logger.error("unexpected exception", reason=place)
            raise UnexpectedError(place) from None

    return wrapper


def describe_place(error: Exception) -> str:
    """Type of an exception and the line that raised it, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "snapshot_export" in frame.filename] or list(frames)
    place = f" at {ours[-1].filename.rsplit('/', 1)[-1]}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{place}"

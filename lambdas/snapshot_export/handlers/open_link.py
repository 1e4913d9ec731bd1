"""Links of mails: a token in, the present address of its file out. Nobody is asked who they are.

Every refusal is the same answer, to the byte. The token is in no line of the log; the event, which
has it in its path, is not logged.
"""

from __future__ import annotations

from typing import Any

from snapshot_export.adapters.measuring import metrics
from snapshot_export.adapters.services import services_from_env
from snapshot_export.errors import TransientError
from snapshot_export.flows.delivery.open_link import open_link
from snapshot_export.handlers.boundary import guarded, logger

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Type": "text/plain; charset=utf-8",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_NOT_FOUND = "There is no file here. The link may be incomplete, or it works no longer.\n"
_BUSY = "The file cannot be opened right now. Please try again in a moment.\n"


@metrics.log_metrics
@guarded
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """HTTP API event in, a redirection or a refusal out."""
    only_looks = event["requestContext"]["http"]["method"] == "HEAD"
    token = (event.get("pathParameters") or {}).get("token") or ""
    try:
        address = open_link(services_from_env(), token, only_looks=only_looks)
    except TransientError as error:
        logger.warning("not done", reason=f"{type(error).__name__}: {error}")
        return _answer(503, "" if only_looks else _BUSY, {"Retry-After": "2"})
    if address is None:
        return _answer(404, "" if only_looks else _NOT_FOUND, {})
    return _answer(302, "", {"Location": address})


def _answer(status: int, body: str, headers: dict[str, str]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": _HEADERS | headers,
        "body": body,
        "isBase64Encoded": False,
    }

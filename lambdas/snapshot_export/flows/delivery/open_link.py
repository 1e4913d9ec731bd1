"""Open: somebody followed a link of a mail; where its file is, for some minutes.

Order of calls: the file is looked at, then the opening is counted, conditional on no revocation,
then the address is signed. Dying before the count leaves an opening that nobody got; dying after it
one that counts, though its answer was lost. Looking at a link (HEAD) changes nothing.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.link import Link, disposition_of, is_token, link_id_of
from snapshot_export.errors import (
    NewerRecordError,
    UnknownTargetError,
    UnreadableRecordError,
)

ADDRESS_SECONDS = 300
"""Long enough to follow it and begin to download."""

logger = Logger(child=True)


def open_link(services: Services, token: str, *, only_looks: bool = False) -> str | None:
    """An address that downloads the link's file, or None, whatever the reason.

    Raises TransientError.
    """
    link = _find(services, token)
    if link is None:
        logger.info("link not opened", reason="no such link")
        return None
    if not link.is_open(services.now()):
        return _refuse(link, "revoked" if link.revoked_at is not None else "ended")
    try:
        files = services.for_target(link.target).files
    except UnknownTargetError:
        return _refuse(link, "its target is gone")
    if not files.is_unchanged(link.uri, link.etag):
        return _refuse(link, "its file is gone, or another")
    if not only_looks:
        if not services.links.count_opening(link.link_id, services.now()):
            return _refuse(link, "revoked meanwhile")
        _log("link opened", link, "by its token")
    return files.download_url(
        link.uri,
        ADDRESS_SECONDS,
        disposition=disposition_of(link.uri),
        operation="head_object" if only_looks else "get_object",
    )


def _refuse(link: Link, reason: str) -> str | None:
    _log("link not opened", link, reason)
    return None


def _log(message: str, link: Link, reason: str) -> None:
    logger.info(message, reason=reason, export_id=link.export_id, delivery_id=link.delivery_id)


def _find(services: Services, token: str) -> Link | None:
    try:
        return services.links.find(link_id_of(token)) if is_token(token) else None
    except (NewerRecordError, UnreadableRecordError) as error:
        logger.error("link not opened", reason=str(error))
        return None

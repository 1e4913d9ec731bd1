"""Revoke: the links in an export's mails open nothing any more.

Order of writes: each mail's record is marked first, after which no attempt brings links: the write
that begins one is conditional on no mark. That answers the record with all its links so far, and
each of these is marked then. Dying in between leaves some open: the caller, who had no answer,
repeats the call, and what is marked stays as it is. An address that somebody was given before,
by opening a link, works for the minutes that it was signed for.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.delivery import MAY_BE_SENT_AGAIN, OPEN, Delivery
from snapshot_export.domain.export import Export
from snapshot_export.errors import NoLinksError, UnknownIdError
from snapshot_export.flows.delivery.stop import stop_mails

logger = Logger(child=True)


def revoke_links(services: Services, export_id: str) -> list[Delivery]:
    """Revoke all links of an export's mails, of all its revisions; answers the mails.

    A mail that was not sent, and would bring links, is not sent any more. Raises UnknownIdError,
    UnknownTargetError, NoLinksError where no mail has links or may get some, TransientError.
    """
    export = services.store.export(export_id)
    if export is None:
        raise UnknownIdError("export")
    services = services.for_target(export.target)
    mails = services.outbox.of_export(export_id)
    concerned = [each for each in mails if each.link_ids or _may_still_bring(each)]
    if not concerned:
        raise NoLinksError
    _revoke(services, concerned, export_id)
    return services.outbox.of_export(export_id)


def take_back_mails(services: Services, export: Export) -> bool:
    """Stop the mails of an export that were not sent, and revoke the links of those that were;
    whether there was anything to do."""
    if export.mail is None:
        return False
    services = services.for_target(export.target)
    is_stopped = stop_mails(services, export)
    mails = services.outbox.of_export(export.export_id)
    with_links = [each for each in mails if each.link_ids]
    return _revoke(services, with_links, export.export_id) > 0 or is_stopped


def _may_still_bring(mail: Delivery) -> bool:
    return not mail.is_attached and mail.status in (*OPEN, *MAY_BE_SENT_AGAIN)


def _revoke(services: Services, mails: list[Delivery], export_id: str) -> int:
    """How many links were open until now."""
    now, revoked = services.now(), 0
    for each in mails:
        marked = services.outbox.forbid_links(each.delivery_id, now)
        if marked is not None:
            revoked += sum(services.links.revoke(link_id, now) for link_id in marked.link_ids)
    logger.info("links revoked", reason="on request", export_id=export_id, links=revoked)
    return revoked

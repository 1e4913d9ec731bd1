"""Deliver: one mail of the outbox is sent, once.

Order of writes: what can fail without SES comes first (the files are read, the message is made, a
turn is taken); then the record becomes SENDING, conditional on its being PENDING, so of two
messages for one mail one sends it, and a cancellation before that stops it; then SES is called,
once; then the answer is written, announced, and the mail's entry removed. Dying before SENDING
changes nothing: the message is delivered again. Dying after it leaves a mail of which nobody knows:
it is not sent again here. SES's event of it (settle.py) or the sweep (sweep.py) says what became of
it. Dying after the answer was written leaves the entry: the sweep announces it.

A mail that does not carry its files links to them, where the deployment has links. Their tokens are
drawn for this attempt, and stand in the message alone; what finds them is written with SENDING, in
one transaction. So a mail that SES took has links that open, whoever died since, and one that is
sent again has its own. A token whose mail did not go is known to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.delivery import Delivery, DeliveryStatus, in_doubt
from snapshot_export.domain.export import ErrorInfo, Export, Status
from snapshot_export.domain.mail_message import (
    Attachment,
    attachment_name,
    carries,
    make_message,
)
from snapshot_export.domain.mail_order import MailOrder
from snapshot_export.domain.mail_text import Place, write_mail
from snapshot_export.domain.templates import TemplateError
from snapshot_export.errors import (
    ConditionFailedError,
    MailDoubtError,
    MailLaterError,
    MailRefusedError,
    MailStoppedError,
    NoTurnError,
)
from snapshot_export.flows.delivery.draw_links import DrawnLink, draw_links
from snapshot_export.flows.delivery.report import report
from snapshot_export.flows.delivery.stop import stop
from snapshot_export.flows.export.file_names import name_fields

LATER_SECONDS = 60.0
QUOTA_WAIT_SECONDS = 900.0

logger = Logger(child=True)


class _UnsendableError(Exception):
    """A mail that cannot be made; `error` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.error = ErrorInfo(code, message)


def deliver(services: Services, delivery_id: str) -> None:
    """Send a mail that is PENDING; any other stays as it is. `services` are as of its target.

    Raises TransientError when the message should be delivered again.
    """
    delivery = services.outbox.find(delivery_id)
    if delivery is None or delivery.status is not DeliveryStatus.PENDING:
        logger.info("not sent", reason=delivery.status.value if delivery else "no record")
        return
    try:
        _deliver(services, delivery)
    except ConditionFailedError:
        logger.info("not sent", reason="went on elsewhere", delivery_id=delivery_id)


def _deliver(services: Services, delivery: Delivery) -> None:
    export = services.store.export(delivery.export_id)
    if reason := _reason_to_stop(services, delivery, export):
        stop(services, delivery, reason)
        return
    assert export is not None and export.mail is not None
    is_attached = carries(export.mail.attach, delivery.files)
    links = draw_links(services, export, delivery) if is_attached is False else ()
    if links and delivery.links_revoked_at is not None:
        stop(services, delivery, "its links were revoked before it was sent")
        return
    try:
        message = _message_of(services, export, export.mail, delivery, is_attached, links)
    except _UnsendableError as problem:
        _fail(services, delivery, problem.error)
        return
    try:
        services.mail.take_turn()
    except (MailLaterError, NoTurnError) as error:
        _wait(services, delivery, QUOTA_WAIT_SECONDS, str(error))
        return
    sending = replace(
        delivery,
        status=DeliveryStatus.SENDING,
        attempt=delivery.attempt + 1,
        sending_at=services.now(),
        is_attached=is_attached,
        link_ids=(*delivery.link_ids, *(each.link.link_id for each in links)),
    )
    expires_at = services.settings.expires_at(services.now())
    services.outbox.begin(delivery, sending, [each.link for each in links], expires_at)
    _send(services, sending, message, delivery.link_ids)


def _send(
    services: Services, sending: Delivery, message: bytes, earlier_links: tuple[str, ...]
) -> None:
    try:
        message_id = services.mail.send(sending, message)
    except MailLaterError as error:
        again = replace(sending, status=DeliveryStatus.PENDING, link_ids=earlier_links)
        services.outbox.postpone(sending, again, services.now() + LATER_SECONDS)
        _log_wait(sending, error.code)
        return
    except MailStoppedError as error:
        text = "SES sends no mail of this account or sender now"
        _end(services, sending, DeliveryStatus.HELD, ErrorInfo(error.code, text))
        return
    except MailRefusedError as error:
        text = "SES does not take this mail"
        _end(services, sending, DeliveryStatus.FAILED, ErrorInfo(error.code, text))
        return
    except MailDoubtError as error:
        doubted = in_doubt(sending, services.now())
        due_at = services.now() + 60 * services.mail.settings.in_doubt_minutes
        services.outbox.postpone(sending, doubted, due_at)
        logger.warning("in doubt", reason=error.code, delivery_id=sending.delivery_id)
        return
    now = services.now()
    sent = replace(
        sending, status=DeliveryStatus.SENT, sent_at=now, changed_at=now, message_id=message_id
    )
    services.outbox.change(sending, sent)
    report(services, sent)


def _reason_to_stop(services: Services, delivery: Delivery, export: Export | None) -> str | None:
    if export is None or export.mail is None or export.status is not Status.COMPLETED:
        return "the export is gone, or runs again"
    if export.revision != delivery.revision:
        return "the export ran again since, and has other mails"
    burst = services.bursts.find(export.burst_id) if export.burst_id else None
    if burst is not None and burst.draining_at is not None:
        return "the burst was cancelled before the mail was sent"
    return None


def _message_of(
    services: Services,
    export: Export,
    order: MailOrder,
    delivery: Delivery,
    is_attached: bool | None,
    links: Sequence[DrawnLink],
) -> bytes:
    """The message. Raises _UnsendableError, TransientError."""
    if is_attached is None:
        text = "the files do not fit into a mail, and Attach is ALWAYS"
        raise _UnsendableError("TOO_LARGE", text)
    attachments = []
    for file in delivery.files if is_attached else ():
        data = services.files.read(file)
        if data is None:
            text = "a file is gone, or is another than at the export's end"
            raise _UnsendableError("FILE_GONE", text)
        attachments.append(Attachment(attachment_name(file), data))
    places: Sequence[Place] = ()
    until = None
    if links:
        places, until = tuple(each.place for each in links), links[0].link.ends_at
    elif not is_attached:
        places = tuple(Place(address=file.uri or "") for file in delivery.files)
    try:
        return make_message(
            write_mail(order, name_fields(export), places, until),
            sender=services.mail.settings.sender,
            to=delivery.address,
            reply_to=order.reply_to,
            attachments=attachments,
        )
    except (TemplateError, ValueError):
        raise _UnsendableError("UNWRITABLE", "the mail cannot be written") from None


def _fail(services: Services, delivery: Delivery, error: ErrorInfo) -> None:
    _end(services, delivery, DeliveryStatus.FAILED, error)


def _end(services: Services, seen: Delivery, status: DeliveryStatus, error: ErrorInfo) -> None:
    after = replace(seen, status=status, error=error, changed_at=services.now())
    services.outbox.change(seen, after)
    report(services, after)


def _wait(services: Services, delivery: Delivery, seconds: float, reason: str) -> None:
    """Leave it to the sweep: a message that waits would be given up after some deliveries."""
    services.outbox.postpone(delivery, delivery, services.now() + seconds)
    _log_wait(delivery, reason)


def _log_wait(delivery: Delivery, reason: str) -> None:
    logger.info("waits", reason=reason, delivery_id=delivery.delivery_id)

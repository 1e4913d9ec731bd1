"""The outbox: one record for each mail, from the end of its export to what became of the mail.

SES takes no token that makes a repeated SendEmail harmless. So SENDING is written before the call;
where its answer is not written after it, the mail is in doubt, and SES's own event of it settles
that: its tags name the record and the attempt. Times are epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from snapshot_export.domain.export import ErrorInfo, Export, ExportedFile, Status

DELIVERY_ID = r"[A-Za-z0-9_\-]{1,120}"
ASK_AFTER_SECONDS = 1800.0
"""A mail that was asked for is asked for again: its message may be lost."""
SENDING_SECONDS = 300.0
"""A call of SendEmail is over by then, whatever became of the function."""


class DeliveryStatus(StrEnum):
    """Where a mail is.

    IN_DOUBT: SES may or may not have taken it. HELD: a person decides. SENT: SES has it.
    """

    PENDING = "PENDING"
    SENDING = "SENDING"
    IN_DOUBT = "IN_DOUBT"
    HELD = "HELD"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    BOUNCED = "BOUNCED"
    COMPLAINED = "COMPLAINED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


OPEN = (DeliveryStatus.PENDING, DeliveryStatus.SENDING, DeliveryStatus.IN_DOUBT)
"""Where something is still to be done."""
MAY_BE_SENT_AGAIN = (DeliveryStatus.FAILED, DeliveryStatus.HELD, DeliveryStatus.BOUNCED)
FAILURES = (*MAY_BE_SENT_AGAIN, DeliveryStatus.COMPLAINED)
_SETTLED_BY_DOUBT_ONLY = (DeliveryStatus.PENDING, DeliveryStatus.HELD, DeliveryStatus.CANCELLED)
_UNDECIDED = (*_SETTLED_BY_DOUBT_ONLY, DeliveryStatus.SENDING, DeliveryStatus.IN_DOUBT)
_KNOWN_OF = {
    DeliveryStatus.SENT: 1,
    DeliveryStatus.DELIVERED: 2,
    DeliveryStatus.FAILED: 3,
    DeliveryStatus.BOUNCED: 3,
    DeliveryStatus.COMPLAINED: 4,
}
"""What SES says of a mail only ever becomes more, in whatever order its events come."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One mail of an export: to `address`, with `files` as they were at the export's end.

    `attempt` counts calls of SendEmail; the last began at `sending_at`, and `doubted_attempt` is
    the last of which it was, or is, not known whether SES took it. `entry_key` is where it stands
    among those that something is still to be done for. `is_attached`: the mail carried the files;
    None before it was sent. `sent_again`: SES took two attempts. `link_ids` are the links that its
    attempts brought (domain/link.py); from `links_revoked_at` on no attempt brings any.
    """

    delivery_id: str
    export_id: str
    revision: int
    address: str
    status: DeliveryStatus
    created_at: float
    entry_key: str
    burst_id: str | None = None
    recipient_id: str | None = None
    attempt: int = 0
    doubted_attempt: int | None = None
    sending_at: float | None = None
    sent_at: float | None = None
    changed_at: float | None = None
    message_id: str | None = None
    is_attached: bool | None = None
    sent_again: bool = False
    link_ids: tuple[str, ...] = ()
    links_revoked_at: float | None = None
    files: tuple[ExportedFile, ...] = ()
    error: ErrorInfo | None = None


@dataclass(frozen=True, kw_only=True)
class MailEvent:
    """What SES says of a mail that it took: what became of attempt `attempt`, at `at`.

    `attempt` is 0 where the event does not have it.
    """

    delivery_id: str
    attempt: int
    status: DeliveryStatus
    at: float
    message_id: str
    error: ErrorInfo | None = None


def deliveries_of(export: Export) -> tuple[Delivery, ...]:
    """The mails of an export at its end: none without files, or if it is not COMPLETED.

    Of one with a zip they bring that, and not each of its files besides.
    """
    files = tuple(file for file in export.files if file.uri)[-1 if export.zip else 0 :]
    if export.mail is None or export.status is not Status.COMPLETED or not files:
        return ()
    created_at = export.finished_at or 0.0
    ids = [
        delivery_id(export.export_id, export.nonce, export.revision, number)
        for number in range(len(export.mail.to))
    ]
    return tuple(
        Delivery(
            delivery_id=each,
            export_id=export.export_id,
            revision=export.revision,
            address=address,
            status=DeliveryStatus.PENDING,
            created_at=created_at,
            entry_key=entry_key(created_at + ASK_AFTER_SECONDS, each),
            burst_id=export.burst_id,
            recipient_id=export.recipient_id,
            files=files,
        )
        for each, address in zip(ids, export.mail.to, strict=True)
    )


def entry_key(due_at: float, a_delivery_id: str) -> str:
    """Where a mail stands among the open ones: by when a sweep shall look at it."""
    return f"{round(due_at * 1000):014d}#{a_delivery_id}"


def in_doubt(delivery: Delivery, now: float) -> Delivery:
    """One of whose present attempt nobody knows whether SES took it."""
    return replace(
        delivery,
        status=DeliveryStatus.IN_DOUBT,
        doubted_attempt=delivery.attempt,
        changed_at=now,
    )


class Step(StrEnum):
    """What a sweep does with a mail that is open longer than it should be."""

    WAIT = "WAIT"
    ASK = "ASK"
    DOUBT = "DOUBT"
    SEND_AGAIN = "SEND_AGAIN"
    HOLD = "HOLD"
    REPORT = "REPORT"


def delivery_id(export_id: str, nonce: str, revision: int, number: int) -> str:
    """The id of an export's mail, as SES takes it for a tag's value."""
    return f"{export_id}-{nonce}-{revision}-{number}"


def export_id_of(a_delivery_id: str) -> str:
    """The export of a delivery's id."""
    return a_delivery_id.rsplit("-", 3)[0]


def next_step(delivery: Delivery, now: float, *, doubt_seconds: float, sends_again: bool) -> Step:
    """What a sweep does with one whose time has come."""
    since = delivery.sending_at or delivery.created_at
    match delivery.status:
        case DeliveryStatus.PENDING:
            return Step.ASK
        case DeliveryStatus.SENDING:
            return Step.DOUBT if now >= since + SENDING_SECONDS else Step.WAIT
        case DeliveryStatus.IN_DOUBT:
            if now < since + doubt_seconds:
                return Step.WAIT
            return Step.SEND_AGAIN if sends_again else Step.HOLD
    return Step.REPORT


def after_event(delivery: Delivery, event: MailEvent) -> Delivery | None:
    """The record after an event of SES's; None if it says nothing new.

    Of an attempt that was in doubt the event says that SES took it: if the next has not begun, it
    is not needed any more, and if it has, the mail was sent twice.
    """
    attempt = event.attempt or delivery.attempt
    is_doubted = attempt == delivery.doubted_attempt
    if attempt > delivery.attempt or not attempt:
        return None
    if attempt < delivery.attempt:
        if not is_doubted or delivery.sent_again:
            return None
        return replace(delivery, sent_again=True)
    if delivery.status in _UNDECIDED:
        if delivery.status in _SETTLED_BY_DOUBT_ONLY and not is_doubted:
            return None
    elif _KNOWN_OF[delivery.status] >= _KNOWN_OF[event.status]:
        return None
    return replace(
        delivery,
        status=event.status,
        sent_at=delivery.sent_at or event.at,
        changed_at=event.at,
        message_id=event.message_id,
        error=event.error,
    )

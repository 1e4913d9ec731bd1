"""SES's events of mails, as EventBridge brings them; tags name the mail and its attempt.

Source of names and shapes: EventBridge events reference, "Amazon Simple Email Service events", and
SES Developer Guide, "Contents of event data that Amazon SES publishes" [? ses-events].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from snapshot_export.domain.delivery import DELIVERY_ID, DeliveryStatus, MailEvent
from snapshot_export.domain.export import ErrorInfo

ID_TAG = "DeliveryId"
ATTEMPT_TAG = "Attempt"
SOURCE = "aws.ses"
DETAIL_TYPES = {
    "Email Sent": DeliveryStatus.SENT,
    "Email Delivered": DeliveryStatus.DELIVERED,
    "Email Bounced": DeliveryStatus.BOUNCED,
    "Email Complaint Received": DeliveryStatus.COMPLAINED,
    "Email Rejected": DeliveryStatus.FAILED,
}


def mail_event_of(event: Mapping[str, Any]) -> MailEvent | None:
    """What an event says of a mail; None for one that names no mail of ours."""
    status = DETAIL_TYPES.get(event.get("detail-type", ""))
    detail = event.get("detail") or {}
    mail = detail.get("mail") or {}
    tags = mail.get("tags") or {}
    ids = tags.get(ID_TAG) or []
    if status is None or len(ids) != 1 or not re.fullmatch(DELIVERY_ID, ids[0]):
        return None
    attempts = [each for each in tags.get(ATTEMPT_TAG) or [] if re.fullmatch("[0-9]{1,9}", each)]
    return MailEvent(
        delivery_id=ids[0],
        attempt=int(attempts[0]) if attempts else 0,
        status=status,
        at=datetime.fromisoformat(event["time"]).timestamp(),
        message_id=str(mail.get("messageId", "")),
        error=_error_of(status, detail),
    )


def _error_of(status: DeliveryStatus, detail: Mapping[str, Any]) -> ErrorInfo | None:
    """By SES's own words, which hold no address: its types and reasons, not its diagnostics."""
    if status is DeliveryStatus.BOUNCED:
        bounce = detail.get("bounce") or {}
        kinds = [_word(bounce.get(name)) for name in ("bounceType", "bounceSubType")]
        return ErrorInfo("BOUNCED", " ".join(filter(None, kinds)))
    if status is DeliveryStatus.COMPLAINED:
        kind = (detail.get("complaint") or {}).get("complaintFeedbackType")
        return ErrorInfo("COMPLAINED", _word(kind))
    if status is DeliveryStatus.FAILED:
        return ErrorInfo("REJECTED", "SES found bad content in the mail")
    return None


def _word(value: object) -> str:
    is_word = isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z-]{0,40}", value)
    return str(value) if is_word else ""

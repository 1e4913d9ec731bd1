"""Which message a request came in first: a message that was sent again stands for the first one.

A request without an id of its own is named by its message, and what a schedule's message leaves
open is dated by it. `snapshots redrive` sends the body of a kept message to the letter, in a new
message; so it says in two message attributes which message it was, and the request keeps the
identity that it had, however often it is sent again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from snapshot_export.domain.burst import BURST_ID

MESSAGE_ID = "MessageId"
"""Message attribute: the id of the first message."""
SENT_AT = "SentAt"
"""Message attribute: when the first message was sent, in epoch seconds."""


@dataclass(frozen=True)
class FirstDelivery:
    """The message that a request came in first. `sent_at` in epoch seconds."""

    message_id: str
    sent_at: float


def first_delivery(
    message_id: str, sent_at: float, attributes: Mapping[str, str | None]
) -> FirstDelivery:
    """The first message of one that has this id, sent time and attributes.

    An attribute that is not there, or could not be the id or the earlier time of a message, is
    ignored: the message stands for itself.
    """
    first_id, first_sent_at = attributes.get(MESSAGE_ID) or "", attributes.get(SENT_AT) or ""
    if re.fullmatch(BURST_ID, first_id):
        message_id = first_id
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", first_sent_at, re.ASCII):
        sent_at = min(sent_at, float(first_sent_at))
    return FirstDelivery(message_id, sent_at)

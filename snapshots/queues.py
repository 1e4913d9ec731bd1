"""Messages that were not taken, and their way back to the queue they came from.

A message is sent to that queue before it is deleted where it was, so it is lost nowhere in
between. It is sent as it is, with the id and the time of its first delivery in two message
attributes, by which the intake function names and dates the request: sent twice, it is one request.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

HELD_SECONDS = 900
_MARGIN_SECONDS = 60
_EMPTY_RECEIVES = 2
_WAIT_SECONDS = 1
DEAD_LETTER = "dead-letter"
REJECTED = "rejected"
BURST = "burst-dead-letter"
DELIVERY = "delivery-dead-letter"
ROUTES = {
    DEAD_LETTER: ("DeadLetterQueueUrl", "IntakeQueueUrl"),
    REJECTED: ("RejectedQueueUrl", "IntakeQueueUrl"),
    BURST: ("BurstDeadLetterQueueUrl", "BurstQueueUrl"),
    DELIVERY: ("DeliveryDeadLetterQueueUrl", "DeliveryQueueUrl"),
}
"""The stack's outputs: where messages are kept, and the queue that they came from."""


@dataclass(frozen=True, kw_only=True)
class KeptMessage:
    """A message of such a queue; `message_id` and `sent_at` are those of its first delivery.

    `sent_at` in epoch seconds.
    """

    queue: str
    message_id: str
    sent_at: str
    body: str
    code: str
    problems: tuple[Mapping[str, Any], ...] = ()
    receipt: str = field(default="", repr=False)

    @property
    def claimed_id(self) -> str | None:
        """The export id that the body gives itself."""
        body = _object_of(self.body)
        claimed = body.get("ExportId") or body.get("SnapshotJobId")
        return claimed if isinstance(claimed, str) else None


class KeptQueue:
    """One of the queues. What was received is invisible to others until it is given back."""

    def __init__(self, client: Any, name: str, url: str, target_url: str) -> None:
        self.name = name
        self._client = client
        self._url = url
        self._target_url = target_url
        self._held_until = 0.0

    def receive(self, limit: int) -> Iterator[KeptMessage]:
        """Up to `limit` messages, each once, until the queue shows no more."""
        self._held_until = time.monotonic() + HELD_SECONDS - _MARGIN_SECONDS
        seen: set[str] = set()
        empty = 0
        while empty < _EMPTY_RECEIVES and len(seen) < limit and not self.is_late():
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(10, limit - len(seen)),
                VisibilityTimeout=HELD_SECONDS,
                WaitTimeSeconds=_WAIT_SECONDS,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["SentTimestamp"],
            )
            new = [m for m in answer.get("Messages", []) if m["MessageId"] not in seen]
            empty = 0 if new else empty + 1
            for message in new:
                seen.add(message["MessageId"])
                yield _read(self.name, message)

    def is_late(self) -> bool:
        """Whether the messages may soon be seen by others, so that no more may be moved."""
        return time.monotonic() > self._held_until

    def move(self, message: KeptMessage) -> None:
        """Send, then delete."""
        first = {"MessageId": message.message_id, "SentAt": message.sent_at}
        self._client.send_message(
            QueueUrl=self._target_url,
            MessageBody=message.body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in first.items()
            },
        )
        self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt)

    def give_back(self, messages: Iterable[KeptMessage]) -> None:
        """Let others see messages again at once; one that is gone already does not matter."""
        kept = list(messages)
        for start in range(0, len(kept), 10):
            entries = [
                {"Id": str(number), "ReceiptHandle": message.receipt, "VisibilityTimeout": 0}
                for number, message in enumerate(kept[start : start + 10])
            ]
            self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


def _read(queue: str, message: Mapping[str, Any]) -> KeptMessage:
    attributes = {
        name: value.get("StringValue", "")
        for name, value in message.get("MessageAttributes", {}).items()
    }
    reason = _object_of(attributes.get("Reason", ""))
    return KeptMessage(
        queue=queue,
        message_id=attributes.get("MessageId") or message["MessageId"],
        sent_at=attributes.get("SentAt") or str(int(message["Attributes"]["SentTimestamp"]) / 1000),
        body=message["Body"],
        code=str(reason.get("Code") or "NOT_TAKEN"),
        problems=tuple(each for each in reason.get("Problems", ()) if isinstance(each, dict)),
        receipt=message["ReceiptHandle"],
    )


def _object_of(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}

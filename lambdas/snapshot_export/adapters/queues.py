"""SQS: the intake queue, the rejected queue, where refused messages are kept with their reason, the
burst queue and the delivery queue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from snapshot_export.adapters.aws_errors import transient
from snapshot_export.domain.burst import Work
from snapshot_export.domain.first_delivery import MESSAGE_ID, SENT_AT, FirstDelivery
from snapshot_export.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_MOST_AT_ONCE = 10
"""Messages of one SendMessageBatch."""


class RejectedQueue:
    """Where a person finds what was refused, and why.

    The body is kept as it came, so that it can be sent again, as it is or corrected. Beside it are
    the message attributes `MessageId` and `SentAt` (domain/first_delivery.py) and `Reason` (JSON).
    """

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, *, first: FirstDelivery, reason: dict[str, Any], body: str) -> None:
        """Keep a refused message. Raises TransientError; the message is then delivered again."""
        attributes = {
            MESSAGE_ID: first.message_id,
            SENT_AT: f"{first.sent_at:.6f}",
            "Reason": json.dumps(reason),
        }
        with transient("rejected queue"):
            self._client.send_message(
                QueueUrl=self._url,
                MessageBody=body or "(empty)",
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in attributes.items()
                },
            )


class IntakeQueue:
    """The queue of requests, named by its ARN as the Scheduler's target is."""

    def __init__(self, client: SQSClient, arn: str) -> None:
        self._client = client
        self._arn = arn
        self._url: str | None = None

    def send(self, body: str) -> None:
        """Send a request. Raises TransientError."""
        account, name = self._arn.split(":")[4:6]
        with transient("intake queue"):
            if self._url is None:
                found = self._client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
                self._url = found["QueueUrl"]
            self._client.send_message(QueueUrl=self._url, MessageBody=body)


class BurstQueue:
    """Work on bursts, for the burst function. A message that is lost is sent by the reconciler."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, burst_id: str, work: Work, *, delay_seconds: int = 0) -> None:
        """Ask for work on a burst, to be delivered after up to 900 s. Raises TransientError."""
        body = json.dumps({"BurstId": burst_id, "Work": work.value})
        with transient("burst queue"):
            self._client.send_message(
                QueueUrl=self._url, MessageBody=body, DelaySeconds=delay_seconds
            )


class DeliveryQueue:
    """Mails to be sent, for the deliver function; `url` is None where none are.

    A message that is lost is sent by the sweep.
    """

    def __init__(self, client: SQSClient, url: str | None) -> None:
        self._client = client
        self._url = url

    def send(self, delivery_ids: Sequence[str], target: str) -> None:
        """Ask for mails to be sent. Raises TransientError."""
        if self._url is None:
            return
        for start in range(0, len(delivery_ids), _MOST_AT_ONCE):
            part = delivery_ids[start : start + _MOST_AT_ONCE]
            entries = [
                {
                    "Id": str(index),
                    "MessageBody": json.dumps({"DeliveryId": each, "Target": target}),
                }
                for index, each in enumerate(part)
            ]
            with transient("delivery queue"):
                answer = self._client.send_message_batch(
                    QueueUrl=self._url,
                    Entries=entries,  # type: ignore[arg-type]
                )
            if answer.get("Failed"):
                raise TransientError(f"delivery queue: {answer['Failed'][0]['Code']}")

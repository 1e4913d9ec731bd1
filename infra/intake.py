"""The way in: the intake queue, and what happens to messages that cannot be taken."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.functions import FUNCTION_TIMEOUT_SECONDS

_RECEIVES_BEFORE_DEAD_LETTER = 5
_MOST_BYTES = 512 * 1024
"""Twice what a request may have: what is larger SQS refuses to its sender. A refused message must
fit the rejected queue (1 MiB) together with its reason."""
_BATCH_SIZE = 10
_MAX_CONCURRENCY = 2  # every accept writes the hot gate item; more would only collide there


class Intake(Construct):
    """Three queues: intake; dead letter, for what kept failing; rejected, for what is wrong."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.dead_letter_queue = self._create_queue("DeadLetterQueue", retention_days=14)
        self.rejected_queue = self._create_queue("RejectedQueue", retention_days=14)
        self.queue = self._create_queue(
            "Queue",
            retention_days=4,
            max_message_size_bytes=_MOST_BYTES,
            visibility_timeout=cdk.Duration.seconds(6 * FUNCTION_TIMEOUT_SECONDS),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letter_queue, max_receive_count=_RECEIVES_BEFORE_DEAD_LETTER
            ),
        )

    def deliver_to(self, function: lambda_.Function) -> None:
        """Hand messages to `function` in batches; it answers which of a batch to deliver again."""
        function.add_event_source(
            event_sources.SqsEventSource(
                self.queue,
                batch_size=_BATCH_SIZE,
                max_concurrency=_MAX_CONCURRENCY,
                report_batch_item_failures=True,
            )
        )

    def let_send(self, function: lambda_.Function) -> None:
        """Let a function send requests."""
        self.queue.grant(function, "sqs:SendMessage", "sqs:GetQueueUrl")

    def _create_queue(
        self,
        construct_id: str,
        *,
        retention_days: int,
        visibility_timeout: cdk.Duration | None = None,
        max_message_size_bytes: int | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            construct_id,
            retention_period=cdk.Duration.days(retention_days),
            visibility_timeout=visibility_timeout,
            max_message_size_bytes=max_message_size_bytes,
            dead_letter_queue=dead_letter_queue,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
        )

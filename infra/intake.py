"""The way in: the intake queue, and what happens to messages that cannot be taken."""

from __future__ import annotations

from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.functions import FUNCTION_TIMEOUT_SECONDS
from infra.queues import create_last_queue, create_work_queue, deliver

_MAX_BYTES = 512 * 1024
"""Twice what a request may have: what is larger SQS refuses to its sender. A refused message must
fit the rejected queue (1 MiB) together with its reason."""
_BATCH_SIZE = 10
_MAX_CONCURRENCY = 2  # every accept writes the hot gate item; more would only collide there


class Intake(Construct):
    """Three queues: intake; dead letter, for what kept failing; rejected, for what is wrong."""

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey | None) -> None:
        super().__init__(scope, construct_id)
        self.dead_letter_queue = create_last_queue(self, "DeadLetterQueue", key=key)
        self.rejected_queue = create_last_queue(self, "RejectedQueue", key=key)
        self.queue = create_work_queue(
            self,
            "Queue",
            key=key,
            visibility_seconds=6 * FUNCTION_TIMEOUT_SECONDS,
            dead_letters=self.dead_letter_queue,
            most_bytes=_MAX_BYTES,
        )

    def deliver_to(self, function: lambda_.Function) -> None:
        """Hand messages to `function` in batches; it answers which of a batch to deliver again."""
        deliver(
            self.queue,
            function,
            batch_size=_BATCH_SIZE,
            max_concurrency=_MAX_CONCURRENCY,
            report_batch_item_failures=True,
        )

    def let_send(self, function: lambda_.Function) -> None:
        """Let a function send requests."""
        self.queue.grant(function, "sqs:SendMessage", "sqs:GetQueueUrl")

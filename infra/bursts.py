"""The work on bursts: its queue, and what happens to messages that kept failing."""

from __future__ import annotations

from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.queues import create_last_queue, create_work_queue, deliver

BURST_TIMEOUT_SECONDS = 900
_MAX_CONCURRENCY = 2  # one burst is read by one function at a time; two bursts may be


class Bursts(Construct):
    """The burst queue, which only functions of the stack send to, and its dead-letter queue."""

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey | None) -> None:
        super().__init__(scope, construct_id)
        self.dead_letter_queue = create_last_queue(self, "DeadLetterQueue", key=key)
        # The reconciler asks again for work that died long before its message is visible again.
        self.queue = create_work_queue(
            self,
            "Queue",
            key=key,
            visibility_seconds=BURST_TIMEOUT_SECONDS + 60,
            dead_letters=self.dead_letter_queue,
        )

    def deliver_to(self, function: lambda_.Function) -> None:
        """Hand messages to `function` one at a time."""
        deliver(self.queue, function, batch_size=1, max_concurrency=_MAX_CONCURRENCY)

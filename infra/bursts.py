"""The work on bursts: its queue, and what happens to messages that kept failing."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

BURST_TIMEOUT_SECONDS = 900
_RECEIVES_BEFORE_DEAD_LETTER = 5
_MAX_CONCURRENCY = 2  # one burst is read by one function at a time; two bursts may be


class Bursts(Construct):
    """The burst queue, which only functions of the stack send to, and its dead-letter queue."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.dead_letter_queue = sqs.Queue(
            self,
            "DeadLetterQueue",
            retention_period=cdk.Duration.days(14),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
        )
        # The reconciler asks again for work that died long before its message is visible again.
        self.queue = sqs.Queue(
            self,
            "Queue",
            retention_period=cdk.Duration.days(4),
            visibility_timeout=cdk.Duration.seconds(BURST_TIMEOUT_SECONDS + 60),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letter_queue, max_receive_count=_RECEIVES_BEFORE_DEAD_LETTER
            ),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
        )

    def deliver_to(self, function: lambda_.Function) -> None:
        """Hand messages to `function` one at a time."""
        function.add_event_source(
            event_sources.SqsEventSource(self.queue, batch_size=1, max_concurrency=_MAX_CONCURRENCY)
        )

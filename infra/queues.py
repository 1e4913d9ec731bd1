"""Makes every queue of the stack alike, and delivers queues to functions."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.nag_exceptions import acknowledge

_WORK_DAYS = 4
_KEPT_DAYS = 14
_RECEIVES_BEFORE_DEAD_LETTER = 5


def create_work_queue(
    scope: Construct,
    construct_id: str,
    *,
    key: kms.IKey | None,
    visibility_seconds: int,
    dead_letters: sqs.IQueue,
    most_bytes: int | None = None,
) -> sqs.Queue:
    """A queue that a function works off; what failed five times goes to `dead_letters`."""
    return _create_queue(
        scope,
        construct_id,
        key=key,
        retention_period=cdk.Duration.days(_WORK_DAYS),
        visibility_timeout=cdk.Duration.seconds(visibility_seconds),
        dead_letter_queue=sqs.DeadLetterQueue(
            queue=dead_letters, max_receive_count=_RECEIVES_BEFORE_DEAD_LETTER
        ),
        max_message_size_bytes=most_bytes,
    )


def create_last_queue(scope: Construct, construct_id: str, *, key: kms.IKey | None) -> sqs.Queue:
    """A queue where messages end, and wait for a person."""
    retention = cdk.Duration.days(_KEPT_DAYS)
    queue = _create_queue(scope, construct_id, key=key, retention_period=retention)
    reason = "messages end here, and are looked at and given back by `snapshots redrive`"
    acknowledge(queue, reason, "AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy")
    return queue


def deliver(
    queue: sqs.Queue,
    function: lambda_.Function,
    *,
    batch_size: int,
    max_concurrency: int,
    report_batch_item_failures: bool = False,
) -> None:
    """Hand a queue's messages to `function`.

    Its role gets what Lambda polls with, and no more; source of the three actions: the managed
    policy AWSLambdaSQSQueueExecutionRole. CDK's own event source gives two more.
    """
    queue.grant(function, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    mapping = lambda_.EventSourceMapping(
        queue,
        "Delivery",
        target=function,
        event_source_arn=queue.queue_arn,
        batch_size=batch_size,
        max_concurrency=max_concurrency,
        report_batch_item_failures=report_batch_item_failures,
    )
    reason = "SQS keeps what failed in the queue's own dead-letter queue"
    acknowledge(mapping, reason, "Serverless-LambdaEventSourceMappingDestination")


def _create_queue(
    scope: Construct,
    construct_id: str,
    *,
    key: kms.IKey | None,
    retention_period: cdk.Duration,
    visibility_timeout: cdk.Duration | None = None,
    dead_letter_queue: sqs.DeadLetterQueue | None = None,
    max_message_size_bytes: int | None = None,
) -> sqs.Queue:
    return sqs.Queue(
        scope,
        construct_id,
        retention_period=retention_period,
        visibility_timeout=visibility_timeout,
        dead_letter_queue=dead_letter_queue,
        max_message_size_bytes=max_message_size_bytes,
        encryption=sqs.QueueEncryption.KMS if key else sqs.QueueEncryption.SQS_MANAGED,
        encryption_master_key=key,
        enforce_ssl=True,
    )

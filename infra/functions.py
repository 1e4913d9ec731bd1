"""Makes every Lambda function of the stack alike."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.bundling import RUNTIME
from infra.log_groups import create_log_group
from infra.nag_exceptions import acknowledge, acknowledge_wildcards

FUNCTION_TIMEOUT_SECONDS = 60
DESCRIBE_TIMEOUT_SECONDS = 120
"""It polls for up to flows/export/poll.POLL_SECONDS and then has a last check to make."""
HINT_TIMEOUT_SECONDS = 90
"""It asks for up to domain/hint.ASK_SECONDS and then has a last check to make."""
COLLECT_TIMEOUT_SECONDS = 300
"""It collects files for up to flows/export/collect.TRANSFER_SECONDS, and ends the export."""
DELIVER_TIMEOUT_SECONDS = 120
"""It reads the files of one mail, waits for its turn (adapters/mail.py) and sends it."""
MEMORY_MB = 512
MAIL_MEMORY_MB = 1024
"""A mail of 40 MB is in memory several times: its files, encoded, and as it is sent."""
METRICS_NAMESPACE = "SnapshotExport"


def service_name(stack: cdk.Stack) -> str:
    """The `service` of a stack's log lines and metrics: two in one account stay apart by it."""
    return stack.stack_name


class ExportFunction(lambda_.Function):
    """One function of the package: its handler, and a role that can write its own logs only.

    `calls_itself`: it sends to the queue that invokes it. Lambda stops such a function after about
    16 rounds, unless this is allowed, and puts the message into the dead-letter queue. Source:
    Lambda Developer Guide, "Use Lambda recursive loop detection to prevent infinite loops".
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler: str,
        description: str,
        code: lambda_.Code,
        environment: Mapping[str, str],
        log_retention_days: int,
        log_level: str,
        timeout_seconds: int | None = None,
        memory_mb: int = MEMORY_MB,
        calls_itself: bool = False,
        is_traced: bool = True,
    ) -> None:
        log_group = create_log_group(
            scope, f"{construct_id}Logs", retention_days=log_retention_days
        )
        role = iam.Role(
            scope,
            f"{construct_id}Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        super().__init__(
            scope,
            construct_id,
            description=description,
            code=code,
            handler=f"snapshot_export.handlers.{handler}.handler",
            runtime=RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=memory_mb,
            timeout=cdk.Duration.seconds(timeout_seconds or FUNCTION_TIMEOUT_SECONDS),
            role=role,
            log_group=log_group,
            # What Lambda itself writes is JSON too; a line that is JSON stays [? json-log-lines].
            logging_format=lambda_.LoggingFormat.JSON,
            # Reports of time and memory (platform.report) are INFO unless the invocation failed.
            system_log_level_v2=lambda_.SystemLogLevel.INFO,
            tracing=lambda_.Tracing.ACTIVE if is_traced else lambda_.Tracing.DISABLED,
            recursive_loop=lambda_.RecursiveLoop.ALLOW if calls_itself else None,
            environment={
                "POWERTOOLS_SERVICE_NAME": service_name(cdk.Stack.of(scope)),
                "POWERTOOLS_LOG_LEVEL": log_level,
                "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
                **environment,
            },
        )
        log_group.grant_write(role)
        if is_traced:
            acknowledge_wildcards(role, "X-Ray's two actions for traces take no resource", "*")
        else:
            reason = "the clock calls it each minute: a trace each would be what idling costs most"
            acknowledge(self, reason, "Serverless-LambdaTracing")
        reason = "called by steps, queues and callers, who learn of errors; the clock calls again"
        acknowledge(self, reason, "Serverless-LambdaDLQ")

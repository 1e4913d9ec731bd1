"""What wakes the hint function: objects that come to where QuickSight writes."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.nag_exceptions import acknowledge
from snapshot_export.domain.prefixes import SNAPSHOTS_PREFIX


class Hints(Construct):
    """Calls `function` for each object under the raw prefix of these buckets.

    The stack's bucket sends its events to EventBridge; whether a target's does is its owner's
    business (docs/targets.md). A hint that is a minute old is worth nothing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: lambda_.IFunction,
        bucket_names: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        rule = events.Rule(
            self,
            "FileCame",
            description="QuickSight wrote a file, so its job ends about now",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [*bucket_names]},
                    "object": {"key": events.Match.prefix(SNAPSHOTS_PREFIX)},
                },
            ),
            targets=[
                targets.LambdaFunction(
                    function, max_event_age=cdk.Duration.minutes(1), retry_attempts=2
                )
            ],
        )
        reason = "a hint that got lost is made up for by a poll"
        acknowledge(rule, reason, "Serverless-EventBusDLQ")

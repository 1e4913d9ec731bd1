"""What wakes the reconcile function: the clock, and executions that ended badly."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.nag_exceptions import acknowledge

FAILED_FOR_GOOD = "The export failed for good; its reason is in the table."
"""Cause of the state ExportFailed: there an execution ends that has done all it had to."""


class Reconciler(Construct):
    """Calls `function` every minute, and at once when an execution of the machine breaks.

    Status events are best effort: the clock alone must be enough, the event only saves time.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: lambda_.IFunction,
        state_machine_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        target = targets.LambdaFunction(function)
        clock = events.Rule(
            self,
            "EveryMinute",
            description="Compare the table of exports with QuickSight and Step Functions",
            schedule=events.Schedule.rate(cdk.Duration.minutes(1)),
            targets=[target],
        )
        broke = events.Rule(
            self,
            "ExecutionBroke",
            description="An execution ended without having finished its attempt",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [state_machine_arn],
                    "status": ["FAILED", "TIMED_OUT", "ABORTED"],
                    "cause": events.Match.any_of(
                        events.Match.null_value(),
                        events.Match.does_not_exist(),
                        events.Match.anything_but(FAILED_FOR_GOOD),
                    ),
                },
            ),
            targets=[target],
        )
        for rule in (clock, broke):
            reason = "a call that got lost is made up for in the next minute"
            acknowledge(rule, reason, "Serverless-EventBusDLQ")

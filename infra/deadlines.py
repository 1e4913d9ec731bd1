"""What is done ahead of time: deadlines are watched, and the starts of schedules are moved."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.nag_exceptions import acknowledge

_MOVE_EVERY_MINUTES = 5


class Deadlines(Construct):
    """Calls `warn` every minute, and `move_starts` every five.

    A start is made by the Scheduler itself; a call that fails is made up for by the next.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        warn: lambda_.IFunction,
        move_starts: lambda_.IFunction,
    ) -> None:
        super().__init__(scope, construct_id)
        self._call("Warn", 1, warn, "Announce deadlines that are newly at risk")
        description = "Move the starts of schedules that say ReadyBy"
        self._call("MoveStarts", _MOVE_EVERY_MINUTES, move_starts, description)

    def _call(
        self, construct_id: str, minutes: int, function: lambda_.IFunction, description: str
    ) -> None:
        rule = events.Rule(
            self,
            construct_id,
            description=description,
            schedule=events.Schedule.rate(cdk.Duration.minutes(minutes)),
            targets=[targets.LambdaFunction(function, retry_attempts=0)],
        )
        reason = "a call that got lost is made up for by the next"
        acknowledge(rule, reason, "Serverless-EventBusDLQ")

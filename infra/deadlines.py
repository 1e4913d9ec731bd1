"""What is done ahead of time: two rules that call one function."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.nag_exceptions import acknowledge

_MOVE_EVERY_MINUTES = 5


class Foresight(Construct):
    """Calls `function` every minute for deadlines at risk, every five for starts of schedules.

    A start is made by the Scheduler itself; a call that fails is made up for by the next.
    """

    def __init__(self, scope: Construct, construct_id: str, *, function: lambda_.IFunction) -> None:
        super().__init__(scope, construct_id)
        self._call(
            "EveryMinute", 1, function, "Tell of deadlines that will probably be missed", "WARN"
        )
        self._call(
            "EveryFewMinutes",
            _MOVE_EVERY_MINUTES,
            function,
            "Move the starts of schedules that say ReadyBy",
            "MOVE_STARTS",
        )

    def _call(
        self,
        construct_id: str,
        minutes: int,
        function: lambda_.IFunction,
        description: str,
        what: str,
    ) -> None:
        rule = events.Rule(
            self,
            construct_id,
            description=description,
            schedule=events.Schedule.rate(cdk.Duration.minutes(minutes)),
            targets=[
                targets.LambdaFunction(
                    function,
                    event=events.RuleTargetInput.from_object({"Do": what}),
                    retry_attempts=0,
                )
            ],
        )
        reason = "a call that got lost is made up for by the next"
        acknowledge(rule, reason, "Serverless-EventBusDLQ")

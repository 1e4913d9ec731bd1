"""Schedules: a group of their own in EventBridge Scheduler, and the role that sends for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.nag_exceptions import acknowledge_wildcards
from snapshot_export.domain.schedule import Schedule, ScheduleTarget, scheduler_request
from snapshot_export.domain.schedule_warnings import warnings_of

_OF_MOVING = ("GetSchedule", "UpdateSchedule")
_OF_ONE = ("GetSchedule", "CreateSchedule", "UpdateSchedule", "DeleteSchedule")


class Schedules(Construct):
    """The group holds the schedules of this stack's files and those made through the API.

    Each sends its message to the intake queue; what the Scheduler cannot deliver is kept in the
    intake's dead-letter queue, from where it is redriven like any other message.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        queue: sqs.IQueue,
        dead_letter_queue: sqs.IQueue,
        declared: Sequence[Schedule],
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        group = scheduler.CfnScheduleGroup(self, "Group", name=name)
        self._schedules_arn = stack.format_arn(
            service="scheduler", resource="schedule", resource_name=f"{name}/*"
        )
        self._role = self._create_role(
            stack.format_arn(service="scheduler", resource="schedule-group", resource_name=name)
        )
        self._role.add_to_policy(
            iam.PolicyStatement(
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn, dead_letter_queue.queue_arn],
            )
        )
        self.target = ScheduleTarget(
            group=name,
            role_arn=self._role.role_arn,
            queue_arn=queue.queue_arn,
            dead_letter_arn=dead_letter_queue.queue_arn,
        )
        for schedule in declared:
            self._declare(schedule, group)

    @property
    def environment(self) -> dict[str, str]:
        """What the function that makes schedules must know."""
        return {
            "SCHEDULE_GROUP": self.target.group,
            "SCHEDULE_ROLE_ARN": self.target.role_arn,
            "SCHEDULE_QUEUE_ARN": self.target.queue_arn,
            "SCHEDULE_DEAD_LETTER_ARN": self.target.dead_letter_arn,
        }

    @property
    def role(self) -> iam.IRole:
        """The role that sends what schedules ask for."""
        return self._role

    def let_manage(self, function: lambda_.Function) -> None:
        """Let a function read, make and delete the group's schedules, with this role only."""
        self._let(function, _OF_ONE)

    def let_move(self, function: lambda_.Function) -> None:
        """Let a function read and change the group's schedules, with this role only.

        It makes one that was deleted meanwhile no more.
        """
        self._let(function, _OF_MOVING)

    def _let(self, function: lambda_.Function, verbs: Sequence[str]) -> None:
        grants = {
            self._schedules_arn: [f"scheduler:{verb}" for verb in verbs],
            "*": ["scheduler:ListSchedules"],  # takes no resource
            self._role.role_arn: ["iam:PassRole"],
        }
        for resource, actions in grants.items():
            statement = iam.PolicyStatement(actions=actions, resources=[resource])
            function.add_to_role_policy(statement)
        assert function.role is not None
        reason = "any schedule of this stack's own group"
        acknowledge_wildcards(function.role, reason, self._schedules_arn)
        acknowledge_wildcards(function.role, "ListSchedules takes no resource", "*")

    def _create_role(self, group_arn: str) -> iam.Role:
        conditions = {
            "StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID, "aws:SourceArn": group_arn}
        }
        return iam.Role(
            self,
            "Role",
            description="EventBridge Scheduler sends the messages of schedules with it",
            assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=conditions),
        )

    def _declare(self, schedule: Schedule, group: scheduler.CfnScheduleGroup) -> None:
        now = datetime.now(UTC)
        request = scheduler_request(schedule, self.target, now)
        properties = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in request.items()
        }
        made = cdk.CfnResource(
            self,
            f"Schedule-{schedule.name}",
            type="AWS::Scheduler::Schedule",
            properties=properties,
        )
        made.node.add_dependency(group, self._role)
        for number, text in enumerate(warnings_of(schedule, now)):
            cdk.Annotations.of(made).add_warning_v2(
                f"snapshots:schedule-{schedule.name}-{number}",
                f"schedules/{schedule.name}.json: {text}",
            )

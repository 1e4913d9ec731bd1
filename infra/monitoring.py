"""Alarms: each tells people through the notification topic; docs/operations.md says what to do."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.functions import METRICS_NAMESPACE, SERVICE_NAME

_MINUTE = cdk.Duration.minutes(1)
_QUIET = cloudwatch.TreatMissingData.NOT_BREACHING
_LOUD = cloudwatch.TreatMissingData.BREACHING


class Monitoring(Construct):
    """What must not last: drift of the table, messages that were not taken."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topic: sns.Topic,
        dead_letter_queues: Mapping[str, sqs.IQueue],
    ) -> None:
        super().__init__(scope, construct_id)
        self._topic = topic
        _let_alarms_publish(topic)
        # No data means that no pass was made. One alarm tells of that; the others keep quiet then.
        self._alarm(
            "BacklogStalled",
            "Exports wait while slots are free, or the reconciler does not run",
            self._of_functions("BacklogStalled"),
            minutes=3,
            missing=_LOUD,
        )
        self._alarm(
            "GateDrift",
            "The gate's counter differed from the leases and was set right",
            self._of_functions("GateDrift"),
        )
        self._alarm(
            "LeaseOverdue",
            "A slot is held for much longer than its job should take",
            self._of_functions("LeaseOverdue"),
            minutes=2,
        )
        # Written when something is refused only: no data is the usual case.
        self._alarm(
            "MessagesRejected",
            "Messages were refused and are kept in the rejected queue",
            self._of_functions("ExportsRejected", statistic="Sum"),
        )
        for name, queue in dead_letter_queues.items():
            # SQS stops measuring a queue that is empty and idle for six hours.
            self._alarm(
                name,
                "Messages could not be handled and are kept in a dead-letter queue",
                queue.metric_approximate_number_of_messages_visible(
                    period=_MINUTE, statistic="Maximum"
                ),
            )

    def _of_functions(self, name: str, statistic: str = "Maximum") -> cloudwatch.Metric:
        """A metric that the functions write (handlers/boundary.py)."""
        return cloudwatch.Metric(
            namespace=METRICS_NAMESPACE,
            metric_name=name,
            dimensions_map={"service": SERVICE_NAME},
            statistic=statistic,
            period=_MINUTE,
        )

    def _alarm(
        self,
        name: str,
        description: str,
        metric: cloudwatch.Metric,
        *,
        minutes: int = 1,
        missing: cloudwatch.TreatMissingData = _QUIET,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=f"{description}. See {name} in docs/operations.md",
            metric=metric,
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=minutes,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))


def _let_alarms_publish(topic: sns.Topic) -> None:
    """A topic that has a policy of its own lets CloudWatch in by that policy only."""
    stack = cdk.Stack.of(topic)
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
        )
    )

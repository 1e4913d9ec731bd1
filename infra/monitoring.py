"""Alarms: each notifies people through the topic; docs/operations.md says what to do."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.metrics import MINUTE, measured
from snapshot_export.metric import Metric

_QUIET = cloudwatch.TreatMissingData.NOT_BREACHING
_LOUD = cloudwatch.TreatMissingData.BREACHING


class Monitoring(Construct):
    """What must not last: drift of the table, messages that were not taken, an API that errs.

    `alarms` are all of them, `kept` the lengths of `kept_queues`: one message is an alarm.
    `watches` are functions that the clock calls, by a short name, whose own alarms are silent when
    they do not run.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topic: sns.Topic,
        kept_queues: Mapping[str, sqs.IQueue],
        api: apigateway.HttpApi,
        docs_url: str | None,
        failed_exports: int,
        failed_share: float,
        watches: Mapping[str, lambda_.IFunction],
        asks_athena: bool,
        sends_mails: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._topic = topic
        self._docs_url = docs_url
        self.alarms: list[cloudwatch.Alarm] = []
        self.kept = {name: _length_of(queue) for name, queue in kept_queues.items()}
        _let_alarms_publish(topic)
        # No data means that no pass was made. One alarm reports that; the others keep quiet then.
        self._alarm(
            "BacklogStalled",
            "Exports wait while slots are free, or the reconciler does not run",
            self._measured(Metric.BACKLOG_STALLED),
            minutes=3,
            missing=_LOUD,
        )
        self._alarm(
            "GateDrift",
            "The gate's counter differed from the leases and was set right",
            self._measured(Metric.GATE_DRIFT),
        )
        self._alarm(
            "LeaseOverdue",
            "A slot is held for much longer than its job should take",
            self._measured(Metric.LEASE_OVERDUE),
            minutes=2,
        )
        self._alarm(
            "RecordsUnreadable",
            "Records of the table could not be read; they were written anew or set aside",
            self._measured(Metric.RECORDS_UNREADABLE),
        )
        # Written when something is refused only: no data is the usual case.
        self._alarm(
            "MessagesRejected",
            "Messages were refused and are kept in the rejected queue",
            self._measured(Metric.MESSAGES_REJECTED, "Sum"),
        )
        self._alarm(
            "DeadlinesMissed",
            "Exports completed after their deadline",
            self._measured(Metric.DEADLINES_MISSED, "Sum"),
        )
        self._alarm(
            "ExportsFailed",
            f"Within a quarter of an hour at least {failed_exports} exports, and "
            f"{100 * failed_share:g} % of those that ended, failed",
            self._failures(failed_exports, failed_share),
        )
        # A pass is made every five minutes: once may be AWS's weather, twice is not.
        self._alarm(
            "StartsNotMoved",
            "Schedules with ReadyBy keep a start that is no longer right, or was never looked at",
            self._measured(Metric.STARTS_NOT_MOVED, "Sum"),
            minutes=10,
            breaching=2,
        )
        self._alarm(
            "OccurrencesMissed",
            "A schedule did not fire: the message of an occurrence is a quarter of an hour late",
            self._measured(Metric.OCCURRENCES_MISSED, "Sum"),
        )
        self._alarm(
            "WatchesStopped",
            "Within a quarter of an hour nobody looked after deadlines, or after schedules",
            _stopped(watches),
            missing=_LOUD,
        )
        # A 503 asks the caller to come again; minutes of them, or a 500, is not that.
        self._alarm(
            "ApiFails",
            "The API has answered callers with server errors for minutes",
            api.metric_server_error(period=MINUTE, statistic="Sum"),
            minutes=3,
        )
        if asks_athena:
            self._alarm(
                "QueriesFailed",
                "A burst failed, since the query for its recipients brought none",
                self._measured(Metric.QUERIES_FAILED, "Sum"),
            )
        if sends_mails:
            self._alarm(
                "MailsFailed",
                "Mails were not sent, bounced, or are held",
                self._measured(Metric.MAILS_FAILED, "Sum"),
            )
            self._alarm(
                "MailsInDoubt",
                "Of mails it stayed unknown whether SES sent them: they were sent again, or are "
                "held",
                self._measured(Metric.MAILS_IN_DOUBT, "Sum"),
            )
        for name, length in self.kept.items():
            self._alarm(name, "Messages could not be handled or delivered and are kept", length)

    def _measured(self, metric: Metric, statistic: str = "Maximum") -> cloudwatch.Metric:
        return measured(cdk.Stack.of(self), metric, statistic)

    def _failures(self, count: int, share: float) -> cloudwatch.MathExpression:
        """1 where so many exports failed, and so many of those that were not cancelled."""
        failed, period = "FILL(failed, 0)", cdk.Duration.minutes(15)
        return cloudwatch.MathExpression(
            expression=f"IF({failed} >= {count} AND "
            f"{failed} >= {share} * ({failed} + FILL(completed, 0)), 1, 0)",
            using_metrics={
                name: self._measured(metric, "Sum").with_(period=period)
                for name, metric in (
                    ("failed", Metric.EXPORTS_FAILED),
                    ("completed", Metric.EXPORTS_COMPLETED),
                )
            },
            period=period,
            label="many exports failed",
        )

    def _alarm(
        self,
        name: str,
        description: str,
        metric: cloudwatch.IMetric,
        *,
        minutes: int = 1,
        breaching: int | None = None,
        missing: cloudwatch.TreatMissingData = _QUIET,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=f"{description}. What to do: {_section(name, self._docs_url)}",
            metric=metric,
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=minutes,
            datapoints_to_alarm=breaching,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
        self.alarms.append(alarm)


def _stopped(watches: Mapping[str, lambda_.IFunction]) -> cloudwatch.MathExpression:
    """1 where one of the functions was not invoked at all."""
    period = cdk.Duration.minutes(15)
    runs = " AND ".join(f"FILL({name}, 0) > 0" for name in watches)
    return cloudwatch.MathExpression(
        expression=f"IF({runs}, 0, 1)",
        using_metrics={
            name: function.metric_invocations(period=period, statistic="Sum")
            for name, function in watches.items()
        },
        period=period,
        label="a watch stopped",
    )


def _section(name: str, docs_url: str | None) -> str:
    """Where an alarm is explained: its address, or where nobody publishes the docs, its place."""
    if docs_url is None:
        return f"docs/operations.md of this software, section {name}"
    return f"{docs_url.rstrip('/')}/operations.md#{name.lower()}"


def _length_of(queue: sqs.IQueue) -> cloudwatch.Metric:
    """SQS stops measuring a queue that is empty and idle for six hours."""
    return queue.metric_approximate_number_of_messages_visible(period=MINUTE, statistic="Maximum")


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

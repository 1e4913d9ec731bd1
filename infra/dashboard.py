"""The dashboard: four questions on one screen, each with the numbers that answer it.

A question stands left of its row with how to read it and where docs/operations.md goes on. What
fails is asked of the functions' logs, by error code: so each code needs no metric of its own.
Nothing renders it on the embedded account [? dashboard-answers].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.metrics import measured
from snapshot_export.domain.target import DEFAULT_TARGET
from snapshot_export.metric import Metric

ALARMS_HEIGHT, ROW_HEIGHT = 3, 4
_COLUMNS, _TEXT_WIDTH = 24, 4
_SUM, _AVERAGE, _LEAST, _MOST = "Sum", "Average", "Minimum", "Maximum"
_FAILURES = """\
filter message in ["finished", "snapshot job failed", "start refused", "describe failed",
                   "rejected", "message not taken", "unexpected exception"]
| filter level != "INFO" or status = "FAILED"
| fields coalesce(error_code, reason.0, reason) as why
| stats count(*) as times, latest(export_id) as example by message, why
| sort times desc
| limit 12"""
_QUESTIONS = {
    "Are slots full?": "In use should lie on what is allowed while exports wait. A wide gap "
    "between job time and hand-off costs throughput.",
    "Is the backlog moving?": "Admitted and completed keep pace with accepted; the head's wait "
    "does not grow.",
    "Will deadlines hold?": "Margin: from the forecast's P95 to the nearest deadline. Below 0 "
    "it is late in more than one of 20 cases.",
    "What fails, and why?": "Codes with an example: `snapshots status <id>`. Repairs every minute "
    "are a fault.",
}


_OF_MAILS = (Metric.MAILS_FAILED, Metric.MAILS_IN_DOUBT, Metric.MAILS_SENT_AGAIN)


class Dashboard(Construct):
    """One screen on one deployment; `targets` are the names of its QuickSight targets."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alarms: Sequence[cloudwatch.IAlarm],
        log_groups: Sequence[logs.ILogGroup],
        kept: Mapping[str, cloudwatch.Metric],
        sends_mails: bool,
        docs_url: str | None,
        targets: Sequence[str] = (DEFAULT_TARGET,),
    ) -> None:
        super().__init__(scope, construct_id)
        self._stack = cdk.Stack.of(self)
        self._targets = targets
        self._sends_mails = sends_mails
        self._page = f"{docs_url.rstrip('/')}/operations.md" if docs_url else None
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            # A dashboard's name is one for all regions of an account.
            dashboard_name=f"{self._stack.stack_name}-{self._stack.region}",
            default_interval=cdk.Duration.hours(3),
        )
        self.dashboard.add_widgets(
            cloudwatch.AlarmStatusWidget(
                title="Alarms", alarms=[*alarms], width=_COLUMNS, height=ALARMS_HEIGHT
            )
        )
        rows = (
            self._slots(),
            self._backlog(),
            self._deadlines(),
            self._failures(log_groups, kept),
        )
        for question, widgets in zip(_QUESTIONS, rows, strict=True):
            self.dashboard.add_widgets(self._ask(question), *widgets)

    def _ask(self, question: str) -> cloudwatch.IWidget:
        place = question.lower().translate({ord(each): None for each in "?,"}).replace(" ", "-")
        more = f"[docs/operations.md]({self._page}#{place})" if self._page else "docs/operations.md"
        return cloudwatch.TextWidget(
            markdown=f"### {question}\n{_QUESTIONS[question]} More: {more}",
            width=_TEXT_WIDTH,
            height=ROW_HEIGHT,
            background=cloudwatch.TextWidgetBackground.TRANSPARENT,
        )

    def _slots(self) -> list[cloudwatch.IWidget]:
        return [
            self._graph(
                "Slots",
                10,
                self._gauges(_MOST, Metric.SLOTS_IN_USE, Metric.SLOTS_ALLOWED, Metric.SLOT_LIMIT),
            ),
            self._graph(
                "Seconds of a job, and of its slot beyond it; share of jobs with a hint (right)",
                10,
                self._of_stack(_AVERAGE, Metric.JOB_SECONDS),
                self._of_stack(
                    _AVERAGE,
                    Metric.HAND_OFF_SECONDS,
                    Metric.POLL_DELAY_SECONDS,
                    Metric.HINTS_HEARD,
                ),
            ),
        ]

    def _backlog(self) -> list[cloudwatch.IWidget]:
        return [
            self._graph(
                "Waiting, and the wait of the next to be admitted (right)",
                10,
                self._gauges(_MOST, Metric.EXPORTS_WAITING),
                self._gauges(_MOST, Metric.HEAD_WAIT_SECONDS),
            ),
            self._graph(
                "Exports a minute",
                10,
                self._of_stack(
                    _SUM,
                    Metric.EXPORTS_ACCEPTED,
                    Metric.EXPORTS_ADMITTED,
                    Metric.EXPORTS_COMPLETED,
                    *([Metric.MAILS_SENT] if self._sends_mails else []),
                ),
            ),
        ]

    def _deadlines(self) -> list[cloudwatch.IWidget]:
        return [
            self._graph(
                "Margin to the nearest deadline, seconds",
                10,
                self._gauges(_LEAST, Metric.DEADLINE_MARGIN_SECONDS),
                floor=0,
            ),
            self._graph(
                "Deadlines at risk now, and missed; schedules that did not fire or move (right)",
                10,
                [
                    *self._gauges(_MOST, Metric.DEADLINES_AT_RISK),
                    *self._of_stack(_SUM, Metric.DEADLINES_MISSED),
                ],
                self._of_stack(_SUM, Metric.OCCURRENCES_MISSED, Metric.STARTS_NOT_MOVED),
            ),
        ]

    def _failures(
        self, log_groups: Sequence[logs.ILogGroup], kept: Mapping[str, cloudwatch.Metric]
    ) -> list[cloudwatch.IWidget]:
        return [
            cloudwatch.LogQueryWidget(
                title="Why (from the functions' logs)",
                log_group_names=[group.log_group_name for group in log_groups],
                query_string=_FAILURES,
                view=cloudwatch.LogQueryVisualizationType.TABLE,
                width=7,
                height=ROW_HEIGHT,
            ),
            self._graph(
                "Failed, cancelled, refused, held",
                7,
                self._of_stack(
                    _SUM,
                    Metric.EXPORTS_FAILED,
                    Metric.JOBS_FAILED,
                    Metric.EXPORTS_CANCELLED,
                    Metric.MESSAGES_REJECTED,
                    Metric.RECIPIENTS_REFUSED,
                    Metric.SECURITY_REFUSALS,
                    Metric.SECURITY_UNREADABLE,
                    Metric.MESSAGES_NOT_TAKEN,
                    Metric.REQUESTS_HELD,
                    Metric.QUERIES_FAILED,
                    *(_OF_MAILS if self._sends_mails else ()),
                ),
                [queue.with_(label=name) for name, queue in kept.items()],
            ),
            self._graph(
                "Refused by QuickSight; repaired (right)",
                6,
                [
                    *self._of_stack(
                        _SUM, Metric.QUICKSIGHT_THROTTLED, Metric.QUICKSIGHT_LIMIT_EXCEEDED
                    ),
                    *self._of_stack("Minimum", Metric.CALLS_PER_SECOND),
                ],
                self._of_stack(_SUM, *[each for each in Metric if each.label.startswith("Mended")]),
            ),
        ]

    def _gauges(self, statistic: str, *metrics: Metric) -> list[cloudwatch.IMetric]:
        several = len(self._targets) > 1
        return [
            measured(
                self._stack,
                metric,
                statistic,
                target=target,
                label=f"{target}: {metric.label}" if several else None,
            )
            for target in self._targets
            for metric in metrics
        ]

    def _of_stack(self, statistic: str, *metrics: Metric) -> list[cloudwatch.IMetric]:
        return [measured(self._stack, metric, statistic) for metric in metrics]

    def _graph(
        self,
        title: str,
        width: int,
        left: list[cloudwatch.IMetric],
        right: Sequence[cloudwatch.IMetric] = (),
        *,
        floor: float | None = None,
    ) -> cloudwatch.IWidget:
        lines = [] if floor is None else [cloudwatch.HorizontalAnnotation(value=floor)]
        return cloudwatch.GraphWidget(
            title=title,
            width=width,
            height=ROW_HEIGHT,
            left=left,
            right=[*right],
            left_annotations=lines,
            left_y_axis=cloudwatch.YAxisProps(show_units=False),
            right_y_axis=cloudwatch.YAxisProps(show_units=False),
        )

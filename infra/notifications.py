"""For people: a topic that announces failed single exports, ended bursts, requests that are held,
deadlines at risk, and schedules that are outdated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.encryption import let_use
from infra.queues import create_last_queue

_SOURCE = "snapshot-export"
_FAILED = (
    "Export {id} of dashboard {dashboard} failed at attempt {attempt}: {code}. "
    "Look it up with: snapshots status {id}"
)
_BURST = (
    "Burst {id} ended as {status}: {failures}. Recipients: {total}; completed {completed}, "
    "failed {failed}, cancelled {cancelled}, refused {refused}. Look at {report}; "
    "every file is listed in {manifest}"
)
_HELD = (
    "Burst {id} is held: {summary} Without an answer it fails at {until}. "
    "Look at it with: snapshots status {id}; let it go on with: snapshots release {id}; "
    "stop it with: snapshots cancel {id}"
)
_AT_RISK = (
    "{id} will probably not be done by its deadline, {deadline}: the chance is {chance}; it is "
    "expected by {p50}, at the latest about {p95}. Look it up with: snapshots status {id}"
)


_OUTDATED = (
    "Schedule {schedule} names what dashboard {dashboard} does not have as it is published now: "
    "{missing}. It will be refused when it occurs. Look at both with: snapshots schedule get "
    "{schedule}, snapshots init --dashboard {dashboard}"
)


_DATA_NOT_READY = (
    "{id} is held, since {why}. Have it made of the data that is there with: snapshots release "
    "{id}, or give it up with: snapshots cancel {id}"
)


class Notifications(Construct):
    """The topic, its subscribers by e-mail (each confirms once), and the rules that feed it.

    What could not be published for 24 hours, or not delivered to an address, is kept in the
    undelivered queue.

    A burst is one message, with its failures counted: its exports send none of their own.

    Messages hold ids, codes, counts and addresses only, as the events do.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey | None,
        emails: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(
            self,
            "Topic",
            display_name="QuickSight snapshot exports",
            enforce_ssl=True,
            master_key=key,
        )
        self.undelivered_queue = create_last_queue(self, "UndeliveredQueue", key=key)
        if emails and key:
            let_use(key, "sns")
        for address in emails:
            self.topic.add_subscription(
                subscriptions.EmailSubscription(address, dead_letter_queue=self.undelivered_queue)
            )
        self._tell(
            "ExportFailed",
            "Snapshot Export Failed",
            _FAILED,
            id="$.detail.ExportId",
            dashboard="$.detail.DashboardId",
            attempt="$.detail.Attempt",
            code="$.detail.ErrorCode",
            detail={"BurstId": [{"exists": False}]},
        )
        self._tell(
            "BurstEnded",
            "Snapshot Burst Completed",
            _BURST,
            id="$.detail.BurstId",
            status="$.detail.Status",
            failures="$.detail.FailureSummary",
            total="$.detail.Counts.Total",
            completed="$.detail.Counts.Completed",
            failed="$.detail.Counts.Failed",
            cancelled="$.detail.Counts.Cancelled",
            refused="$.detail.Counts.Refused",
            manifest="$.detail.ManifestS3Uri",
            report="$.detail.ReportS3Uri",
        )

        self._tell(
            "BurstHeld",
            "Snapshot Request Held",
            _HELD,
            id="$.detail.BurstId",
            summary="$.detail.Summary",
            until="$.detail.HeldUntil",
            detail={"ReasonCode": ["RECIPIENTS_CHANGED"]},
        )
        self._tell(
            "ScheduleOutdated",
            "Snapshot Schedule Outdated",
            _OUTDATED,
            schedule="$.detail.Schedule",
            dashboard="$.detail.DashboardId",
            missing="$.detail.Summary",
        )
        for member in ("ExportId", "BurstId"):
            self._tell(
                f"DataOf{member.removesuffix('Id')}",
                "Snapshot Request Held",
                _DATA_NOT_READY,
                id=f"$.detail.{member}",
                why="$.detail.Summary",
                detail={"ReasonCode": ["DATA_NOT_READY"], member: [{"exists": True}]},
            )
        for name, detail_type, member in (
            ("ExportAtRisk", "Snapshot Export Deadline At Risk", "ExportId"),
            ("BurstAtRisk", "Snapshot Burst Deadline At Risk", "BurstId"),
        ):
            self._tell(
                name,
                detail_type,
                _AT_RISK,
                id=f"$.detail.{member}",
                deadline="$.detail.Deadline",
                chance="$.detail.ChanceToMeetDeadline",
                p50="$.detail.FinishP50",
                p95="$.detail.FinishP95",
            )

    def _tell(
        self,
        construct_id: str,
        detail_type: str,
        text: str,
        *,
        detail: Mapping[str, Any] | None = None,
        **paths: str,
    ) -> None:
        rule = events.Rule(
            self,
            construct_id,
            description=f"Notify people: {detail_type}",
            event_pattern=events.EventPattern(
                source=[_SOURCE], detail_type=[detail_type], detail=detail
            ),
        )
        fields = {name: events.EventField.from_path(path) for name, path in paths.items()}
        rule.add_target(
            targets.SnsTopic(
                self.topic,
                message=events.RuleTargetInput.from_text(text.format(**fields)),
                dead_letter_queue=self.undelivered_queue,
                retry_attempts=185,
                max_event_age=cdk.Duration.hours(24),
            )
        )

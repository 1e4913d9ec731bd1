"""EventBridge: the end of an export or a burst is announced, a request that is held, a deadline at
risk and a schedule that is outdated, at least once.

Events hold ids, codes, counts and addresses only; docs/events.md has each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from snapshot_export.adapters.aws_errors import transient
from snapshot_export.domain.backlog import BacklogEntry
from snapshot_export.domain.burst import Burst
from snapshot_export.domain.data_wait import NOT_READY, DataDecision, DataSetState
from snapshot_export.domain.delivery import Delivery, DeliveryStatus
from snapshot_export.domain.export import Attempt, Export, ExportedFile, Status
from snapshot_export.domain.forecast import Estimate
from snapshot_export.errors import TransientError

if TYPE_CHECKING:
    # Pydantic describes them for the reference, and would be a fifth of a cold start.
    from mypy_boto3_events import EventBridgeClient

    from snapshot_export.adapters.events.details import (
        AtRisk,
        BurstAtRisk,
        BurstCompleted,
        DataDecided,
        DeliveryFailed,
        DeliveryInDoubt,
        DeliverySent,
        ExportAtRisk,
        ExportCompleted,
        ExportFailed,
        FinishedFile,
        JudgedDataSet,
        MissingFile,
        OfDelivery,
        OfExport,
        RecipientCounts,
        RequestHeld,
        ScheduleOutdated,
    )
    from snapshot_export.domain.contents import MissingPart
    from snapshot_export.domain.hold import Hold
    from snapshot_export.domain.schedule import Schedule

SOURCE = "snapshot-export"


class DetailType(StrEnum):
    """What is announced; the `detail` of each: event_details.py."""

    EXPORT_COMPLETED = "Snapshot Export Completed"
    EXPORT_FAILED = "Snapshot Export Failed"
    BURST_COMPLETED = "Snapshot Burst Completed"
    EXPORT_AT_RISK = "Snapshot Export Deadline At Risk"
    BURST_AT_RISK = "Snapshot Burst Deadline At Risk"
    SCHEDULE_OUTDATED = "Snapshot Schedule Outdated"
    HELD = "Snapshot Request Held"
    DELIVERY_SENT = "Snapshot Delivery Sent"
    DELIVERY_FAILED = "Snapshot Delivery Failed"
    DELIVERY_IN_DOUBT = "Snapshot Delivery In Doubt"


class Events:
    """Events out, on one bus."""

    def __init__(self, client: EventBridgeClient, bus_name: str) -> None:
        self._client = client
        self._bus = bus_name

    def announce_end(self, export: Export) -> None:
        """Send the export's completion or failure. Raises TransientError if it was not taken."""
        if export.status is Status.COMPLETED:
            completed: ExportCompleted = {**_of_export(export), "Status": "COMPLETED"}
            self._send(DetailType.EXPORT_COMPLETED, completed)
            return
        failed: ExportFailed = {
            **_of_export(export),
            "Status": "FAILED",
            "ErrorCode": export.error.code if export.error else "UNKNOWN",
        }
        self._send(DetailType.EXPORT_FAILED, failed)

    def announce_burst(
        self, burst: Burst, manifest_uri: str, report_uri: str, zip_uri: str
    ) -> None:
        """Send the burst's completion; `zip_uri` is where its zip lies, if it has one.

        Raises TransientError if it was not taken.
        """
        detail: BurstCompleted = {
            "EventId": _event_id(burst.burst_id, burst),
            "BurstId": burst.burst_id,
            "Revision": burst.revision,
            "Target": burst.target,
            "Status": burst.final_status.value,
            "Counts": cast("RecipientCounts", burst.counts),
            "Empty": burst.empty,
            "Reasons": [{"Code": each.code, "Count": each.count} for each in burst.reasons],
            "FailureSummary": burst.failure_summary,
            "SameRowsForAll": burst.same_rows_for_all,
            "Weight": burst.weight,
            "ManifestS3Uri": manifest_uri,
            "ReportS3Uri": report_uri,
        }
        if burst.zipped_files is not None:
            detail["ZipS3Uri"] = zip_uri
        if burst.error:
            detail["ErrorCode"] = burst.error.code
        if burst.data is not None:
            detail["Data"] = data_members(burst.data)
        if burst.warnings:
            detail["Warnings"] = [
                {"Code": each.code, "Resource": each.resource} for each in burst.warnings
            ]
        self._send(DetailType.BURST_COMPLETED, detail)

    def announce_export_at_risk(
        self, record: BacklogEntry | Attempt, target: str, deadline: float, estimate: Estimate
    ) -> None:
        """Announce that an export will probably miss its deadline. Raises TransientError."""
        ids = filter(None, (record.export_id, record.nonce, "at-risk"))
        detail: ExportAtRisk = {
            "EventId": "-".join(ids),
            "ExportId": record.export_id,
            "Target": target,
            "DashboardId": record.dashboard_id,
            **_at_risk(deadline, estimate),
        }
        self._send(DetailType.EXPORT_AT_RISK, detail)

    def announce_burst_at_risk(self, burst: Burst, deadline: float, estimate: Estimate) -> None:
        """Announce that a burst will probably miss its deadline. Raises TransientError."""
        detail: BurstAtRisk = {
            "EventId": f"{_event_id(burst.burst_id, burst)}-at-risk",
            "BurstId": burst.burst_id,
            "Target": burst.target,
            "Counts": cast("RecipientCounts", burst.counts),
            **_at_risk(deadline, estimate),
        }
        self._send(DetailType.BURST_AT_RISK, detail)

    def announce_outdated(
        self,
        schedule: Schedule,
        dashboard_id: str,
        version: int | None,
        missing: Sequence[MissingPart],
    ) -> None:
        """Announce that a schedule's request names what is not there. Raises TransientError."""
        changed = int(schedule.changed_at.timestamp()) if schedule.changed_at else 0
        detail: ScheduleOutdated = {
            "EventId": f"{schedule.name}-{changed}-{version}-outdated",
            "Schedule": schedule.name,
            "Target": schedule.target,
            "DashboardId": dashboard_id,
            "Missing": [{"Part": each.part.value, "Id": each.name} for each in missing],
            "Summary": ", ".join(f"{each.part.lower()} {each.name}" for each in missing),
        }
        if version:
            detail["VersionNumber"] = version
        self._send(DetailType.SCHEDULE_OUTDATED, detail)

    def announce_late_data(self, record: Export | Burst, decision: DataDecision) -> None:
        """Announce that a request waits for somebody to release it, since its data was not there.
        Raises TransientError."""
        summary = f"the data was not ready by {_iso(decision.until)}"
        detail = _held(record, NOT_READY, summary)
        detail["DataSets"] = [_data_set(each) for each in decision.data_sets]
        self._send(DetailType.HELD, detail)

    def announce_hold(self, burst: Burst, hold: Hold) -> None:
        """Announce that a burst waits for somebody to decide about its recipients.
        Raises TransientError."""
        detail = _held(burst, hold.code, hold.message)
        detail["HeldUntil"] = _iso(hold.until)
        if burst.schedule is not None:
            detail["Schedule"] = burst.schedule
        if burst.found is not None and burst.expected is not None:
            detail["Recipients"] = {"Found": burst.found, "Expected": burst.expected}
        self._send(DetailType.HELD, detail)

    def announce_sent(self, delivery: Delivery, target: str) -> None:
        """Announce that SES has taken a mail, whatever is known of it since. Raises
        TransientError."""
        sent = replace(delivery, status=DeliveryStatus.SENT)
        detail: DeliverySent = {**_of_delivery(sent, target), "Status": "SENT"}
        self._send(DetailType.DELIVERY_SENT, detail)

    def announce_unsent(self, delivery: Delivery, target: str) -> None:
        """Announce a mail that did not reach its address, or is held. Raises TransientError."""
        detail: DeliveryFailed = {
            **_of_delivery(delivery, target),
            "Status": delivery.status.value,
            "ErrorCode": delivery.error.code if delivery.error else "UNKNOWN",
        }
        self._send(DetailType.DELIVERY_FAILED, detail)

    def announce_doubt(self, delivery: Delivery, target: str, outcome: str) -> None:
        """Announce a mail that stayed in doubt. Raises TransientError."""
        detail: DeliveryInDoubt = {**_of_delivery(delivery, target), "Outcome": outcome}
        self._send(DetailType.DELIVERY_IN_DOUBT, detail)

    def _send(self, kind: DetailType, detail: Mapping[str, object]) -> None:
        entry = {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": kind.value,
            "Detail": json.dumps(detail),
        }
        with transient("PutEvents"):
            answer = self._client.put_events(Entries=[entry])  # type: ignore[list-item]
        if answer["FailedEntryCount"]:
            raise TransientError(f"PutEvents: {answer['Entries'][0].get('ErrorCode')}")


def _event_id(name: str, record: Export | Burst) -> str:
    """The same in every delivery of one end: another end of what ran again has another."""
    revision = f"-{record.revision}" if record.revision > 1 else ""
    return f"{name}-{record.nonce}{revision}"


def _held(record: Export | Burst, code: str, summary: str) -> RequestHeld:
    """One burst can be held twice, for its data and then for its recipients: each has its id."""
    name = record.burst_id if isinstance(record, Burst) else record.export_id
    detail: RequestHeld = {
        "EventId": f"{_event_id(name, record)}-held-{code.lower().replace('_', '-')}",
        "Target": record.target,
        "ReasonCode": code,
        "Summary": summary,
    }
    if isinstance(record, Burst):
        detail["BurstId"] = name
    else:
        detail["ExportId"] = name
    return detail


def _of_export(export: Export) -> OfExport:
    detail: OfExport = {
        "EventId": _event_id(export.export_id, export),
        "ExportId": export.export_id,
        "Revision": export.revision,
        "Target": export.target,
        "DashboardId": export.dashboard_id,
        "Attempt": export.attempt,
        "Files": [_file(file) for file in export.files],
    }
    if export.burst_id is not None:
        detail["BurstId"] = export.burst_id
    if export.recipient_id is not None:
        detail["RecipientId"] = export.recipient_id
    if export.is_empty:
        detail["Empty"] = True
    if export.password_secret is not None:
        detail["Protected"] = True
    if export.data is not None:
        detail["Data"] = data_members(export.data)
    return detail


def _of_delivery(delivery: Delivery, target: str) -> OfDelivery:
    """The EventId names attempt and status: each is announced once or more, as what it is."""
    status = delivery.status.value.lower().replace("_", "-")
    detail: OfDelivery = {
        "EventId": f"{delivery.delivery_id}-{delivery.attempt}-{status}",
        "DeliveryId": delivery.delivery_id,
        "ExportId": delivery.export_id,
        "Target": target,
        "Attempt": delivery.attempt,
    }
    if delivery.burst_id is not None:
        detail["BurstId"] = delivery.burst_id
    if delivery.recipient_id is not None:
        detail["RecipientId"] = delivery.recipient_id
    return detail


def data_members(decision: DataDecision) -> DataDecided:
    """A decision as events and manifests have it."""
    return {
        "DecidedAt": _iso(decision.decided_at),
        "Outcome": decision.outcome.value,
        "DataSets": [_data_set(each) for each in decision.data_sets],
    }


def _data_set(state: DataSetState) -> JudgedDataSet:
    detail: JudgedDataSet = {"DataSetId": state.data_set_id, "State": state.readiness.value}
    if state.refreshed_at is not None:
        detail["RefreshedAt"] = _iso(state.refreshed_at)
    if state.rows_dropped:
        detail["RowsDropped"] = state.rows_dropped
    return detail


def _file(file: ExportedFile) -> FinishedFile | MissingFile:
    if file.uri:
        return {"FormatType": file.format, "S3Uri": file.uri, "Size": file.size}
    return {"FormatType": file.format, "ErrorCode": file.error.code if file.error else ""}


def _at_risk(deadline: float, estimate: Estimate) -> AtRisk:
    return {
        "Deadline": _iso(deadline),
        "FinishP50": _iso(estimate.p50),
        "FinishP95": _iso(estimate.p95),
        "ChanceToMeetDeadline": round(estimate.chance(deadline), 3),
    }


def _iso(moment: float) -> str:
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")

"""EventBridge: the end of an export or a burst is announced, and a deadline at risk, at least once.

Events hold ids, codes, counts and addresses only; docs/events has their schemas.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from snapshot_export.domain.backlog import BacklogEntry
from snapshot_export.domain.burst import Burst
from snapshot_export.domain.export import Attempt, Export, Status
from snapshot_export.domain.forecast import Outlook
from snapshot_export.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "snapshot-export"
DETAIL_TYPES = {
    Status.COMPLETED: "Snapshot Export Completed",
    Status.FAILED: "Snapshot Export Failed",
}

BURST_DETAIL_TYPE = "Snapshot Burst Completed"
EXPORT_AT_RISK = "Snapshot Export Deadline At Risk"
BURST_AT_RISK = "Snapshot Burst Deadline At Risk"


class Events:
    """Events out, on one bus."""

    def __init__(self, client: EventBridgeClient, bus_name: str) -> None:
        self._client = client
        self._bus = bus_name

    def announce_end(self, export: Export) -> None:
        """Send the export's completion or failure. Raises TransientError if it was not taken."""
        self._send(DETAIL_TYPES[export.status], _detail(export))

    def announce_burst(self, burst: Burst, manifest_uri: str, report_uri: str) -> None:
        """Send the burst's completion. Raises TransientError if it was not taken."""
        self._send(BURST_DETAIL_TYPE, _burst_detail(burst, manifest_uri, report_uri))

    def announce_export_at_risk(
        self, record: BacklogEntry | Attempt, deadline: float, outlook: Outlook
    ) -> None:
        """Tell that an export will probably miss its deadline. Raises TransientError."""
        ids = {
            "EventId": f"{record.export_id}-at-risk",
            "ExportId": record.export_id,
            "DashboardId": record.dashboard_id,
        }
        self._send(EXPORT_AT_RISK, ids | _risk(deadline, outlook))

    def announce_burst_at_risk(self, burst: Burst, deadline: float, outlook: Outlook) -> None:
        """Tell that a burst will probably miss its deadline. Raises TransientError."""
        ids = {
            "EventId": f"{burst.burst_id}-{burst.digest[:12]}-at-risk",
            "BurstId": burst.burst_id,
            "Counts": burst.counts,
        }
        self._send(BURST_AT_RISK, ids | _risk(deadline, outlook))

    def _send(self, detail_type: str, detail: dict[str, Any]) -> None:
        entry = {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
        }
        try:
            answer = self._client.put_events(Entries=[entry])  # type: ignore[list-item]
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"PutEvents: {type(error).__name__}") from None
        if answer["FailedEntryCount"]:
            raise TransientError(f"PutEvents: {answer['Entries'][0].get('ErrorCode')}")


def _detail(export: Export) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "EventId": f"{export.export_id}-{export.digest[:12]}",
        "ExportId": export.export_id,
        "Status": export.status.value,
        "DashboardId": export.dashboard_id,
        "Attempt": export.attempt,
        "Files": [
            {"FormatType": file.format, "S3Uri": file.uri, "Size": file.size}
            if file.uri
            else {"FormatType": file.format, "ErrorCode": file.error.code if file.error else ""}
            for file in export.files
        ],
    }
    more = {
        "BurstId": export.burst_id,
        "RecipientId": export.recipient_id,
        "ErrorCode": export.error.code if export.error else None,
    }
    return detail | {name: value for name, value in more.items() if value is not None}


def _risk(deadline: float, outlook: Outlook) -> dict[str, Any]:
    return {
        "Deadline": _iso(deadline),
        "FinishP50": _iso(outlook.p50),
        "FinishP95": _iso(outlook.p95),
        "ChanceToMeetDeadline": round(outlook.chance(deadline), 3),
    }


def _iso(moment: float) -> str:
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")


def _burst_detail(burst: Burst, manifest_uri: str, report_uri: str) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "EventId": f"{burst.burst_id}-{burst.digest[:12]}",
        "BurstId": burst.burst_id,
        "Status": burst.final_status.value,
        "Counts": burst.counts,
        "ManifestS3Uri": manifest_uri,
        "ReportS3Uri": report_uri,
    }
    return detail | {"ErrorCode": burst.error.code} if burst.error else detail

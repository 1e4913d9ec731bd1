"""A burst as its records would tell it, for reports: seeded, with everything that can happen."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from random import Random
from typing import Any

from snapshot_export.domain.burst import Refusal
from snapshot_export.domain.export import ErrorInfo, Export, ExportedFile, Lease, Status
from snapshot_export.domain.problem import Problem
from snapshot_export.report.collector import RecordedForecast, Report, ReportCollector

BEGIN = 1_800_000_000.0
BURST_ID = "invoices-2026-11"
MANIFEST = f"s3://exports/bursts/{BURST_ID}/manifest.json"
SECRET_TAG, SECRET_PARAMETER = "tag-value-of-nobodys-business", "parameter-value-likewise"
SNAPSHOT: dict[str, Any] = {
    "UserConfiguration": {
        "AnonymousUsers": [
            {"RowLevelPermissionTags": [{"Key": "customer_id", "Value": SECRET_TAG}]}
        ]
    },
    "SnapshotConfiguration": {
        "FileGroups": [{"Files": [{"FormatType": "PDF"}]}],
        "Parameters": {"StringParameters": [{"Name": "Region", "Values": [SECRET_PARAMETER]}]},
    },
}


def export(number: int, status: Status = Status.COMPLETED, **more: Any) -> Export:
    """One export of the burst, as its record is after its end."""
    export_id = f"{BURST_ID}-{number}"
    values: dict[str, Any] = {
        "export_id": export_id,
        "status": status,
        "digest": "d" * 64,
        "nonce": "n",
        "dashboard_id": "sales-overview",
        "snapshot": SNAPSHOT,
        "rank": "",
        "accepted_at": BEGIN,
        "source": BURST_ID,
        "burst_id": BURST_ID,
        "recipient_id": f"customer-{4700 + number}",
        "tags": {"team": SECRET_TAG},
    }
    if status is Status.COMPLETED:
        uri = f"s3://exports/exports/{BURST_ID}/customer-{4700 + number}/november.pdf"
        values["files"] = (ExportedFile(format="PDF", uri=uri, size=52_311 + 97 * number),)
    return Export(**(values | more))


def lease(start: float, seconds: float, attempt: int = 1, slots: int = 12) -> Lease:
    """A lease of a job of so many seconds, begun so many seconds after the burst."""
    return Lease(
        attempt=attempt,
        admitted_at=BEGIN + start,
        started_at=BEGIN + start + 0.6,
        ended_at=BEGIN + start + 0.6 + seconds,
        released_at=BEGIN + start + 0.6 + seconds + 0.9,
        slots=slots,
    )


def exports_of(count: int, *, slots: int = 12) -> Iterator[Export]:
    """Exports that share the slots: some fail, one after three attempts, one is cancelled."""
    draw = Random(count)
    free = [(index * 0.15, index) for index in range(slots)]
    for number in range(2, count + 2):
        start, slot = heappop(free)
        held, attempt, leases = start, 1, [lease(start, draw.lognormvariate(3.6, 0.35))]
        if number % 37 == 5:
            held, attempt = _end(leases), 2
            leases.append(lease(held + 10, draw.lognormvariate(3.6, 0.3), attempt=2))
        end = _end(leases)
        more: dict[str, Any] = {}
        status = Status.COMPLETED
        if number % 61 == 17:
            status = Status.FAILED
            more["error"] = ErrorInfo("DATASET_DELETED", "The dataset of visual 3 was deleted")
        elif number == count // 2:
            status = Status.CANCELLED
            more["error"] = ErrorInfo("CANCELLED", "cancelled on request while it ran")
        yield export(
            number,
            status,
            attempt=attempt,
            leases=tuple(leases),
            finished_at=BEGIN + end + 1.1,
            job_seconds=sum((each.ended_at or 0) - (each.started_at or 0) for each in leases),
            deadline=BEGIN + 900,
            **more,
        )
        heappush(free, (end + draw.uniform(0.1, 0.7) + 6 * (draw.random() < 0.03), slot))


def _end(leases: list[Lease]) -> float:
    return leases[-1].released_at - BEGIN


def report_of(exports: Iterator[Export] | list[Export], **more: Any) -> Report:
    """The report of exports as their burst's."""
    collector = ReportCollector()
    ends: dict[Status, int] = dict.fromkeys(Status, 0)
    for each in exports:
        collector.add(each)
        ends[each.status] += 1
    refused = [Refusal(line=40, problems=(Problem("tag:customer_id", "must not be empty"),))]
    values: dict[str, Any] = {
        "kind": "Burst",
        "name": BURST_ID,
        "each": "recipient",
        "recipients": "s3://exports/manifests/november.csv",
        "status": "COMPLETED",
        "counts": {
            "Total": sum(ends.values()) + 1,
            "Completed": ends[Status.COMPLETED],
            "Failed": ends[Status.FAILED],
            "Cancelled": ends[Status.CANCELLED],
            "Refused": 1,
        },
        "accepted_at": BEGIN - 1.5,
        "slots": 12,
        "manifest": MANIFEST,
        "forecast": RecordedForecast(at=BEGIN + 1, p50=BEGIN + 583, p95=BEGIN + 655),
        "refused": refused,
    }
    return collector.report(**(values | more))

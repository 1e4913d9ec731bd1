"""States of a deployment for the stub of its API: what a live page is shown with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.snapshots.stub import StubApi, new_export

NOW = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)


def iso(seconds: float) -> str:
    """A time so many seconds from NOW on."""
    moment = NOW + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def held(number: int, *, age: float, left: float, **members: Any) -> dict[str, Any]:
    """A lease of an export of the burst `statements`."""
    return {
        "ExportId": f"statements-2026-11-{number}", "BurstId": "statements-2026-11",
        "DashboardId": "customer-statement", "Attempt": 1, "Deadline": None,
        "AdmittedAt": iso(-age), "JobStartedAt": iso(0.6 - age) if age > 1 else None,
        "ExpectedEnd": iso(left), **members,
    }  # fmt: skip


def waiting(place: int, number: int, **members: Any) -> dict[str, Any]:
    """An export of the burst `statements` that waits."""
    return {
        "Place": place, "ExportId": f"statements-2026-11-{number}",
        "BurstId": "statements-2026-11", "DashboardId": "customer-statement", "Attempt": 1,
        "Deadline": iso(4800), "DueAt": None, "ExpectedEnd": iso(10 + 3.6 * place), **members,
    }  # fmt: skip


def failed(number: int, code: str, message: str, **members: Any) -> dict[str, Any]:
    """An export that failed."""
    body = {"DashboardId": "customer-statement"}
    return new_export(f"statements-2026-11-{number}", body) | {
        "Status": "FAILED", "Attempt": 3, "BurstId": "statements-2026-11",
        "AcceptedAt": iso(-900), "FinishedAt": iso(-90 - number),
        "Error": {"Code": code, "Message": message}, **members,
    }  # fmt: skip


def single(export_id: str, status: str, reason: str = "", **members: Any) -> dict[str, Any]:
    """A single export that is held, or waits for data."""
    judged = [{"DataSetId": "invoices", "State": "NOT_YET", "Reason": reason}] if reason else []
    data = {"Since": iso(-2400), "Until": iso(600), "DataSetIds": ["invoices"],
            "Otherwise": "HOLD", "DataSets": judged}  # fmt: skip
    body = {"DashboardId": "customer-statement"}
    return new_export(export_id, body) | {
        "Status": status, "Target": "default", "Data": data, **members
    }  # fmt: skip


def burst(burst_id: str, status: str, **members: Any) -> dict[str, Any]:
    """A burst as the API shows it."""
    counts = {"Total": 240, "Accepted": 240, "Refused": 0, "Completed": 0, "Failed": 0,
              "Cancelled": 0} | members.pop("Counts", {})  # fmt: skip
    return {
        "BurstId": burst_id, "Revision": 1, "Target": "default", "Status": status,
        "Counts": counts,
        "Reasons": [], "SameRowsForAll": False, "Refusals": [], "RefusalsNextToken": None,
        "ManifestS3Uri": None, "ReportS3Uri": None, "ReportDownloadUrl": None,
        "CancelRequested": False, "AcceptedAt": iso(-900), "ExpandedAt": iso(-899),
        "FinishedAt": None, "ExpectedEnd": iso(420), "Error": None, "Warnings": [], **members,
    }  # fmt: skip


def fill_morning(api: StubApi, *, failures: Sequence[int] = (0, 1, 2)) -> None:
    """A Monday morning: full slots, a backlog, an open and an ended burst, failures, schedules."""
    api.stands_still = True
    ages = (47, 44, 41, 33, 30, 29, 24, 18, 15, 9, 4, 0.3)
    rows = [held(112 + place, age=age, left=max(2, 42 - age)) for place, age in enumerate(ages)]
    rows[3] |= {"ExportId": "board-pack-november", "BurstId": None, "DashboardId": "board-pack"}
    api.slots = {
        "Target": "default", "At": iso(0), "Slots": 12, "Held": rows,
        "Collecting": [held(111, age=50, left=1)],
        "Waiting": [waiting(place, 123 + place) for place in range(1, 51)], "MoreWait": True,
    }  # fmt: skip
    api.slots["Waiting"][0] |= {"Attempt": 2, "Place": None, "DueAt": iso(25)}
    api.capacity |= {"Running": 12, "Waiting": 117, "CompletedLastHour": 348}
    chances = {
        "BurstId": "statements-2026-11", "Open": 128, "FinishP50": iso(412),
        "FinishP95": iso(455), "Deadline": iso(4800), "ChanceToMeetDeadline": 1.0,
    }  # fmt: skip
    api.forecast |= {"Running": 12, "Waiting": 117, "FinishP50": iso(412), "FinishP95": iso(455),
                     "LearnedShare": 0.94, "Bursts": [chances]}  # fmt: skip
    reasons = [("DATASET_DELETED", "The dataset statements-q4 was deleted."),
               ("DATASET_DELETED", "The dataset statements-q4 was deleted."),
               ("ACCESS_DENIED", "The user may not read this dashboard.")]  # fmt: skip
    api.exports = {
        each["ExportId"]: each
        for each in (failed(number, *reasons[n]) for n, number in enumerate(failures))
    }
    api.bursts = {
        "statements-2026-11": burst("statements-2026-11", "RUNNING",
                                    Counts={"Completed": 109, "Failed": len(failures)}),
        "onboarding-pack": burst(
            "onboarding-pack", "COMPLETED", Counts={"Total": 36, "Accepted": 36, "Completed": 36},
            FinishedAt=iso(-2400), ReportDownloadUrl="https://files.example/report.html?x=1",
        ),
    }  # fmt: skip
    api.exports["onboarding-pack-1"] = new_export(
        "onboarding-pack-1", {"DashboardId": "welcome"}
    ) | {"Status": "COMPLETED", "BurstId": "onboarding-pack"}
    common: dict[str, Any] = {
        "ScheduleExpression": None, "ReadyBy": None, "FlexibleTimeWindowMinutes": 0,
        "State": "ENABLED", "StartDate": None, "EndDate": None, "Declared": True,
        "ScheduleExpressionTimezone": "Europe/Berlin", "Warnings": [],
    }  # fmt: skip
    api.schedules = {
        "board-weekly": common | {"Name": "board-weekly", "Kind": "Export", "StartsAt": iso(1200),
                                  "ScheduleExpression": "cron(0 7 ? * MON *)"},
        "statements": common | {"Name": "statements", "Kind": "Burst", "StartsAt": iso(81_600),
                                "ReadyBy": {"Time": "06:00", "Days": ["MON", "TUE"]}},
        "paused-one": common | {"Name": "paused-one", "Kind": "Export", "State": "DISABLED",
                                "StartsAt": None, "Declared": False,
                                "ScheduleExpression": "rate(1 day)"},
    }  # fmt: skip


def slots_before(slots: dict[str, Any], rounds: int, round_seconds: float = 43) -> dict[str, Any]:
    """The slots as they were so many rounds of jobs ago."""
    shift = -rounds * round_seconds
    rows = []
    for place, row in enumerate(slots["Held"]):
        age = (NOW - datetime.fromisoformat(row["AdmittedAt"])).total_seconds()
        rows.append(held(112 + place - 12 * rounds, age=age - shift, left=shift + 2))
    return slots | {"At": iso(shift), "Held": rows, "Collecting": []}

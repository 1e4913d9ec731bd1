"""When an occurrence should have come in: at the latest that the Scheduler can send it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from snapshot_export.domain.expected_occurrence import expected_after
from snapshot_export.domain.ready_by import ReadyBy, ReadyByBody
from snapshot_export.domain.schedule import Schedule


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def schedule(expression: str, zone: str = "Europe/Berlin", **changes: Any) -> Schedule:
    members: dict[str, Any] = {
        "name": "morning", "expression": expression, "zone": zone, "window_minutes": 0,
        "state": "ENABLED", "start": None, "end": None, "kind": "Export", "request": {},
    }  # fmt: skip
    return Schedule(**members | changes)


def expected(of: Schedule, seen: str, until: str = "2026-12-31T00:00") -> str | None:
    found = expected_after(of, moment(seen), moment(until))
    return f"{found:%Y-%m-%dT%H:%M}" if found else None


WEEKLY = "cron(0 7 ? * MON *)"


@pytest.mark.parametrize(
    ("expression", "seen", "due"),
    [
        (WEEKLY, "2026-11-23T05:59", "2026-11-23T06:00"),
        (WEEKLY, "2026-11-23T06:00", "2026-11-30T06:00"),
        (WEEKLY, "2026-10-19T05:00", "2026-10-26T06:00"),  # summer time has ended between
        ("cron(30 2 * * ? *)", "2026-10-24T00:30", "2026-10-25T01:30"),  # twice: the second
        ("cron(30 2 * * ? *)", "2026-10-25T00:30", "2026-10-26T01:30"),  # it came at the first
        ("cron(30 2 * * ? *)", "2026-10-25T01:30", "2026-10-26T01:30"),  # and at the second
        ("cron(30 2 * * ? *)", "2026-03-28T01:30", "2026-03-30T00:30"),  # skipped on the 29th
        ("at(2026-12-24T07:00:00)", "2026-11-23T06:00", "2026-12-24T06:00"),
        ("at(2026-12-24T07:00:00)", "2026-12-24T06:00", None),
        ("rate(2 hours)", "2026-11-23T06:10", "2026-11-23T08:10"),
        ("rate(100 days)", "2026-11-23T06:10", None),
        ("rate(999999999 days)", "2026-11-23T06:10", None),
    ],
)
def test_the_first_after_the_one_that_was_seen(expression: str, seen: str, due: str | None) -> None:
    assert expected(schedule(expression), seen) == due


def test_nothing_is_expected_before_it_is_due_or_outside_of_the_dates() -> None:
    assert expected(schedule(WEEKLY), "2026-11-23T07:00", until="2026-11-30T05:59") is None
    begins = schedule(WEEKLY, start=moment("2026-12-01T00:00"))
    assert expected(begins, "2026-11-23T07:00") == "2026-12-07T06:00"
    ends = schedule(WEEKLY, end=moment("2026-11-29T00:00"))
    assert expected(ends, "2026-11-23T07:00") is None
    rate = schedule("rate(1 day)", start=moment("2026-12-01T05:00"))
    assert expected(rate, "2026-11-23T07:00") == "2026-12-01T05:00"
    assert expected(rate, "2026-12-01T05:00") == "2026-12-02T05:00"


@pytest.mark.parametrize(
    ("seen", "due"),
    [
        ("2026-11-23T05:29", "2026-11-23T05:30"),
        ("2026-11-23T05:31", "2026-11-24T05:30"),  # put after the latest start: tomorrow's is meant
        ("2026-11-23T06:00", "2026-11-24T05:30"),  # the occurrence is named after its moment
        ("2026-11-24T02:00", "2026-11-24T05:30"),  # its start was moved at that time
    ],
)
def test_with_ready_by_a_start_is_expected_at_the_latest_that_it_may_have(
    seen: str, due: str
) -> None:
    body = ReadyByBody.model_validate({"Time": "07:00", "LatestMinutesBefore": 30})
    ready = schedule("cron(0 6 ? * MON *)", ready_by=ReadyBy.of(body, "Europe/Berlin"))
    assert expected(ready, seen) == due
    begins = schedule("", ready_by=ready.ready_by, start=moment("2026-11-30T05:45"))
    assert expected(begins, seen) == "2026-12-01T05:30"

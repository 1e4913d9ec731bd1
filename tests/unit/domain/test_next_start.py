"""The next start of a schedule, of each kind, on both sides of a clock change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain.cron import Cron
from snapshot_export.domain.next_start import next_start
from snapshot_export.domain.ready_by import ReadyBy, ReadyByBody
from snapshot_export.domain.schedule import Schedule

NOW = datetime(2026, 11, 25, 10, 20, 30, tzinfo=UTC)


def schedule(expression: str, zone: str = "Europe/Berlin", **changes: Any) -> Schedule:
    members: dict[str, Any] = {
        "name": "morning", "expression": expression, "zone": zone, "window_minutes": 0,
        "state": "ENABLED", "start": None, "end": None, "kind": "Export", "request": {},
    }  # fmt: skip
    return Schedule(**members | changes)


@pytest.mark.parametrize(
    ("expression", "zone", "now", "expected"),
    [
        ("cron(0 7 ? * MON *)", "Europe/Berlin", NOW, "2026-11-30T06:00:00"),
        ("cron(20 10 * * ? *)", "UTC", NOW, "2026-11-26T10:20:00"),
        ("cron(*/15 * * * ? *)", "UTC", NOW, "2026-11-25T10:30:00"),
        ("cron(30 2 * * ? *)", "Europe/Berlin", datetime(2027, 3, 27, 12, tzinfo=UTC),
         "2027-03-29T00:30:00"),
        ("cron(30 2 * * ? *)", "Europe/Berlin", datetime(2027, 10, 30, 12, tzinfo=UTC),
         "2027-10-31T00:30:00"),
        ("cron(0 6 29 2 ? *)", "Asia/Tokyo", NOW, "2028-02-28T21:00:00"),
        ("cron(0 6 1 1 ? 2026)", "UTC", NOW, None),
        ("at(2026-12-24T07:00:00)", "America/New_York", NOW, "2026-12-24T12:00:00"),
        ("at(2026-11-25T10:00:00)", "UTC", NOW, None),
        ("at(2027-03-28T02:30:00)", "Europe/Berlin", NOW, None),
        ("rate(1 day)", "UTC", NOW, None),
    ],
)  # fmt: skip
def test_the_next_start(expression: str, zone: str, now: datetime, expected: str | None) -> None:
    found = next_start(schedule(expression, zone), now)
    assert (found and found.isoformat()) == (expected and f"{expected}+00:00")


def test_a_rate_counts_from_its_start() -> None:
    begin = NOW - timedelta(hours=25)
    assert next_start(schedule("rate(1 day)", start=begin), NOW) == begin + timedelta(days=2)
    later = NOW + timedelta(hours=1)
    assert next_start(schedule("rate(1 day)", start=later), NOW) == later


def test_nothing_starts_outside_of_the_dates_or_while_disabled() -> None:
    daily = "cron(0 12 * * ? *)"
    begin = datetime(2026, 12, 1, 12, tzinfo=UTC)
    assert next_start(schedule(daily, "UTC", start=begin), NOW) == begin, "both inclusive"
    noon = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert next_start(schedule(daily, "UTC", end=noon), NOW) == noon
    assert next_start(schedule(daily, "UTC", end=noon - timedelta(minutes=1)), NOW) is None
    assert next_start(schedule(daily, "UTC", state="DISABLED"), NOW) is None


def test_ready_by_starts_as_it_is_planned_now() -> None:
    rule = ReadyBy.of(ReadyByBody(Time="07:00", Days=["WED", "THU"]), "UTC")
    planned = schedule("cron(10 6 ? * WED,THU *)", "UTC", ready_by=rule)
    assert next_start(planned, NOW) == datetime(2026, 11, 26, 6, 10, tzinfo=UTC)
    before = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
    assert next_start(planned, before) == datetime(2026, 11, 25, 6, 10, tzinfo=UTC)
    started = datetime(2026, 11, 25, 6, 30, tzinfo=UTC)
    assert next_start(planned, started) == datetime(2026, 11, 26, 6, 10, tzinfo=UTC)


@given(
    st.sampled_from(["cron(7/20 3,15 ? * MON-FRI *)", "cron(0 0 L * ? *)", "cron(5 4 1W * ? *)"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1)),
)
def test_it_is_the_first_minute_that_the_expression_names(expression: str, now: datetime) -> None:
    cron, at = Cron.of(expression), now.replace(tzinfo=UTC)
    found = next_start(schedule(expression, "UTC"), at)
    assert cron and found and found > at and cron.names(found)
    minute = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while minute < min(found, at + timedelta(days=4)):
        assert not cron.names(minute)
        minute += timedelta(minutes=1)

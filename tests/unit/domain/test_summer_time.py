"""Occurrences that a clock change skips or doubles."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain.ready_by import DAYS, ReadyBy
from snapshot_export.domain.schedule import Schedule
from snapshot_export.domain.schedule_warnings import warnings_of
from snapshot_export.domain.summer_time import clock_changes, summer_time_warnings

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SKIPPED, DOUBLED = "does not exist", "exists twice"


def schedule(expression: str, zone: str = "Europe/Berlin", **changes: Any) -> Schedule:
    members: dict[str, Any] = {
        "name": "night", "expression": expression, "zone": zone, "window_minutes": 0,
        "state": "ENABLED", "start": None, "end": None, "kind": "Export", "request": {},
    }  # fmt: skip
    return Schedule(**members | changes)


def dates(found: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(text[:10], SKIPPED if SKIPPED in text else DOUBLED) for text in found]


@pytest.mark.parametrize(
    ("expression", "zone", "expected"),
    [
        ("cron(30 2 * * ? *)", "Europe/Berlin", [("2027-03-28", SKIPPED), ("2027-10-31", DOUBLED)]),
        ("cron(0 2 * * ? *)", "Europe/Berlin", [("2027-03-28", SKIPPED), ("2027-10-31", DOUBLED)]),
        ("cron(0 3 * * ? *)", "Europe/Berlin", []),
        ("cron(59 1 * * ? *)", "Europe/Berlin", []),
        ("cron(30 2 ? * MON-SAT *)", "Europe/Berlin", []),
        ("cron(30 2 28 3 ? *)", "Europe/Berlin", [("2027-03-28", SKIPPED)]),
        ("cron(30 1 * * ? *)", "America/St_Johns", [("2027-11-07", DOUBLED)]),
        ("cron(30 2 * * ? *)", "America/St_Johns", [("2027-03-14", SKIPPED)]),
        ("cron(15 2 * * ? *)", "Australia/Lord_Howe", [("2027-10-03", SKIPPED)]),
        ("cron(30 0 * * ? *)", "America/Havana",
         [("2027-03-14", SKIPPED), ("2027-11-07", DOUBLED)]),
        ("cron(30 2 * * ? *)", "UTC", []),
        ("cron(30 2 * * ? *)", "Asia/Tokyo", []),
        ("at(2027-03-28T02:30:00)", "Europe/Berlin", [("2027-03-28", SKIPPED)]),
        ("at(2027-03-28T03:30:00)", "Europe/Berlin", []),
        ("rate(1 day)", "Europe/Berlin", []),
    ],
)  # fmt: skip
def test_the_next_dates_are_named(
    expression: str, zone: str, expected: list[tuple[str, str]]
) -> None:
    assert dates(summer_time_warnings(schedule(expression, zone), NOW)) == expected


def test_dates_that_have_passed_or_lie_outside_of_the_schedule_are_not_named() -> None:
    daily = schedule("cron(30 2 * * ? *)")
    during = datetime(2027, 3, 28, 1, tzinfo=UTC)  # the clocks go on now
    assert dates(summer_time_warnings(daily, during))[0] == ("2027-10-31", DOUBLED)
    until = schedule("cron(30 2 * * ? *)", end=datetime(2027, 6, 1, tzinfo=UTC))
    assert dates(summer_time_warnings(until, NOW)) == [("2027-03-28", SKIPPED)]
    later = schedule("cron(30 2 * * ? *)", start=datetime(2027, 12, 1, tzinfo=UTC))
    assert dates(summer_time_warnings(later, NOW)) == [
        ("2028-03-26", SKIPPED),
        ("2028-10-29", DOUBLED),
    ]


def test_a_schedule_that_has_ended_has_one_warning() -> None:
    over = schedule("cron(30 2 * * ? *)", end=NOW)
    assert warnings_of(over, NOW) == (
        "EndDate has passed: nothing occurs, and the schedule is disabled",
    )


@pytest.mark.parametrize(("at", "ready"), [("02:30", "03:30"), ("02:00", "03:00")])
def test_ready_by_says_when_it_will_be_ready_as_the_moments_are(at: str, ready: str) -> None:
    rule = ReadyBy(
        at=time.fromisoformat(at), days=DAYS, zone="Europe/Berlin",
        earliest=timedelta(hours=4), latest=timedelta(minutes=15),
    )  # fmt: skip
    skipped, doubled = summer_time_warnings(schedule("", ready_by=rule), NOW)
    assert skipped.endswith(f"it will be ready by {ready}")
    assert doubled.endswith("it will be ready by the first")
    zone = ZoneInfo("Europe/Berlin")
    day = rule.moment_after(datetime(2027, 3, 27, 23, tzinfo=UTC)).astimezone(zone)
    assert f"{day:%Y-%m-%d %H:%M}" == f"2027-03-28 {ready}"
    first = rule.moment_after(datetime(2027, 10, 30, 22, tzinfo=UTC))
    assert first.astimezone(zone).utcoffset() == timedelta(hours=2)


@given(
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1)),
)
def test_a_minute_is_of_a_change_just_if_the_zone_itself_says_so(
    zone: str, local: datetime
) -> None:
    """By the zone: what does not come back from UTC is skipped, what has two offsets is doubled."""
    info, begin = ZoneInfo(zone), (local - timedelta(days=3)).date()
    changes = [each for each in clock_changes(zone, begin) if each.first.year <= 2036]
    near = [local.replace(second=0, microsecond=0)]
    near += [
        edge + timedelta(minutes=shift)
        for each in changes[:3]
        for edge in (each.first, each.end)
        for shift in (-1, 0, 1)
    ]
    for minute in near:
        aware = minute.replace(tzinfo=info)
        is_skipped = aware.astimezone(UTC).astimezone(info).replace(tzinfo=None) != minute
        both = {aware.replace(fold=fold).utcoffset() for fold in (0, 1)}
        said = [each for each in changes if each.first <= minute < each.end]
        if is_skipped or len(both) == 2:
            assert [each.is_skipped for each in said] == [is_skipped], minute
        else:
            assert said == [], minute

"""ReadyBy: moments, starts within their bounds, and expressions that give them back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from snapshot_export.domain.ready_by import DAYS, ReadyBy, ReadyByBody
from snapshot_export.domain.schedule_expression import problem_of_expression


def ready_by(time: str = "07:00", zone: str = "Europe/Berlin", **members: object) -> ReadyBy:
    return ReadyBy.of(ReadyByBody.model_validate({"Time": time, **members}), zone)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_next_moment_skips_days_that_are_not_named() -> None:
    weekdays = ready_by(Days=["MON", "TUE", "WED", "THU", "FRI"])
    friday_evening = utc("2026-11-27T18:00")
    assert weekdays.moment_after(friday_evening) == utc("2026-11-30T06:00")
    assert ready_by().moment_after(friday_evening) == utc("2026-11-28T06:00")
    assert ready_by().moment_after(utc("2026-11-28T06:00")) == utc("2026-11-29T06:00")


def test_the_moments_before_one_are_found_backwards() -> None:
    weekdays = ready_by(Days=["MON", "FRI"])
    found = weekdays.moments_before(utc("2026-11-30T06:00"), 3)
    assert found == [utc("2026-11-27T06:00"), utc("2026-11-23T06:00"), utc("2026-11-20T06:00")]


def test_a_start_stays_within_its_bounds_and_on_the_minute() -> None:
    rule, moment = ready_by(), utc("2026-11-28T06:00")
    assert rule.start_for(moment, utc("2026-11-28T05:12:59")) == utc("2026-11-28T05:12")
    assert rule.start_for(moment, utc("2026-11-28T05:59")) == utc("2026-11-28T05:45")
    assert rule.start_for(moment, utc("2026-11-27T05:59")) == utc("2026-11-28T02:00")
    assert rule.start_for(moment, None) == utc("2026-11-28T02:00")


def test_a_start_on_the_day_before_is_scheduled_for_the_days_before() -> None:
    rule = ready_by("00:30", Days=["MON", "SAT"])
    start = rule.start_for(utc("2026-11-29T23:30"), utc("2026-11-29T22:10"))
    assert rule.expression_for(start) == "cron(10 23 ? * FRI,SUN *)"
    assert rule.start_in("cron(10 23 ? * FRI,SUN *)", utc("2026-11-29T23:30")) == start


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
@given(
    at=st.times(),
    days=st.sets(st.sampled_from(DAYS), min_size=1),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    lead=st.integers(1, 720),
)
def test_wherever_a_start_is_moved_to_it_belongs_to_the_same_moment(
    zone: str, at: object, days: set[str], now: datetime, lead: int
) -> None:
    rule = ready_by(f"{at:%H:%M}", zone, Days=sorted(days), EarliestMinutesBefore=720)
    moment = rule.moment_after(now.replace(tzinfo=UTC))
    start = rule.start_for(moment, moment - timedelta(minutes=lead))
    assert rule.moment_after(start) == moment
    expression = rule.expression_for(start)
    assert problem_of_expression(expression) is None
    found = rule.start_in(expression, moment)
    assert found is None or abs(found - start) <= timedelta(hours=1), "an hour when clocks change"
    if zone == "Asia/Kolkata":
        assert found == start


@pytest.mark.parametrize(
    "members",
    [
        {"Time": "24:00"},
        {"Time": "07:00", "Days": []},
        {"Time": "07:00", "Days": ["MONDAY"]},
        {"Time": "07:00", "EarliestMinutesBefore": 721},
        {"Time": "07:00", "EarliestMinutesBefore": 10, "LatestMinutesBefore": 11},
    ],
)
def test_a_wrong_ready_by_is_refused(members: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ReadyByBody.model_validate(members)


def test_members_give_the_same_again() -> None:
    rule = ready_by(Days=["SUN", "MON"], ExpectedRecipients=40)
    again = ReadyBy.of(ReadyByBody.model_validate(rule.members), "Europe/Berlin")
    assert again == rule

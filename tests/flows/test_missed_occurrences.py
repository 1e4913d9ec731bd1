"""A schedule that did not fire is reported once, whatever kept it; one that fires never is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from snapshot_export.domain.export import Status
from snapshot_export.errors import TransientError
from snapshot_export.flows.periodic.pass_over_schedules import pass_over_schedules
from snapshot_export.metric import Metric
from tests.support.api import call_api
from tests.support.messages import message
from tests.support.schedules import set_changed
from tests.support.world import World

MINUTE, HOUR = 60.0, 3600.0


def put(world: World, name: str = "daily", **changes: Any) -> None:
    """Put a schedule, as of the virtual time."""
    body = {"ScheduleExpression": "cron(0 6 * * ? *)", "Export": message(None)} | changes
    answer = call_api(world.services, "PUT", f"/schedules/{name}", body)
    assert answer.status == 200, answer.body
    set_changed(world, name)


def set_clock(world: World, hour: int, minute: int = 0) -> datetime:
    """To the next such time of the day, in UTC."""
    now = datetime.fromtimestamp(world.clock.now(), UTC)
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    then += timedelta(days=then <= now)
    world.clock.time = then.timestamp()
    return then


def fire(world: World, at: datetime, name: str = "daily") -> Status:
    """Deliver what the Scheduler sends at a time."""
    schedule = world.services.schedules.get(name)
    assert schedule is not None
    return world.send(schedule.message_at(at))


def missed(world: World) -> int:
    return pass_over_schedules(world.services).missed


def days(world: World, count: int, *, fires: bool) -> int:
    """How many were reported in so many days with a pass each hour."""
    found = 0
    for _ in range(count * 24):
        world.clock.sleep(HOUR)
        now = datetime.fromtimestamp(world.clock.now(), UTC)
        if fires and now.hour == 6:
            fire(world, now)
        found += missed(world)
    return found


@pytest.fixture
def daily(world: World) -> World:
    set_clock(world, 0)
    put(world)
    assert missed(world) == 0
    return world


def test_an_occurrence_that_comes_in_is_never_reported(daily: World) -> None:
    assert days(daily, 3, fires=True) == 0
    assert Metric.OCCURRENCES_MISSED not in daily.measured


def test_one_that_does_not_is_reported_once_a_quarter_of_an_hour_late(daily: World) -> None:
    due = set_clock(daily, 6, 14)
    assert missed(daily) == 0
    set_clock(daily, 6, 16)
    assert missed(daily) == 1 and missed(daily) == 0
    assert daily.measured[Metric.OCCURRENCES_MISSED] == [1]
    assert fire(daily, due.replace(minute=0)) is Status.QUEUED, "late, it runs all the same"
    assert missed(daily) == 0
    assert days(daily, 2, fires=False) == 2


def test_one_that_was_refused_came_in(daily: World) -> None:
    """MessagesRejected reports it."""
    due = set_clock(daily, 6)
    schedule = daily.services.schedules.get("daily")
    assert schedule is not None
    text = schedule.message_at(due).replace('"DashboardId"', '"DashboardNo"')
    assert daily.send(text) is Status.REJECTED
    set_clock(daily, 6, 30)
    assert missed(daily) == 0


def test_a_flexible_window_is_waited_for(world: World) -> None:
    set_clock(world, 0)
    put(world, FlexibleTimeWindowMinutes=60)
    missed(world)
    set_clock(world, 7, 14)
    assert missed(world) == 0
    set_clock(world, 7, 16)
    assert missed(world) == 1


def test_nothing_is_expected_of_one_that_is_disabled_or_over(world: World) -> None:
    set_clock(world, 0)
    put(world, "off", State="DISABLED")
    put(world, "over", EndDate="2026-01-01T00:00:00Z")
    assert days(world, 1, fires=False) == 0


def test_a_change_begins_anew(daily: World) -> None:
    """Else a schedule that is switched on again missed all that it was off for."""
    set_clock(daily, 5)
    put(daily, State="DISABLED")
    days(daily, 3, fires=False)
    put(daily, ScheduleExpression="cron(0 4 * * ? *)")
    assert missed(daily) == 0
    set_clock(daily, 4, 30)
    assert missed(daily) == 1


def test_with_ready_by_a_day_without_a_start_is_reported(world: World) -> None:
    set_clock(world, 0)
    put(world, ScheduleExpression=None, ReadyBy={"Time": "06:00", "LatestMinutesBefore": 5})
    missed(world)
    day = set_clock(world, 5, 30)
    assert fire(world, day) is Status.QUEUED
    set_clock(world, 7)
    assert missed(world) == 0
    for _ in range(2):
        set_clock(world, 6, 11)
        assert missed(world) == 1
        set_changed(world, "daily")


def test_a_rate_is_expected_a_period_after_the_last(world: World) -> None:
    at = set_clock(world, 0, 7)
    put(world, ScheduleExpression="rate(2 hours)")
    missed(world)
    fire(world, at + timedelta(hours=1))
    world.clock.time = (at + timedelta(hours=3, minutes=14)).timestamp()
    assert missed(world) == 0
    world.clock.sleep(2 * MINUTE)
    assert missed(world) == 1


def test_a_note_that_cannot_be_right_is_written_anew(daily: World) -> None:
    """Of a hand, or of a message that names a day of the next century."""
    key = {"pk": {"S": "SCHEDULE#daily"}, "sk": {"S": "OCCURRENCE"}}
    table = daily.settings.table_name
    daily.session.client("dynamodb").put_item(
        TableName=table, Item=key | {"occurred_at": {"S": "yesterday"}}
    )
    assert missed(daily) == 0
    set_clock(daily, 6, 16)
    assert missed(daily) == 1
    fire(daily, datetime(2190, 1, 1, tzinfo=UTC))
    daily.clock.sleep(3 * 86_400)
    assert missed(daily) == 1


def test_a_death_before_the_note_reports_it_again(
    daily: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(daily, 6, 16)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(daily.services.occurrences, "note", die)
        missed(daily)
    assert missed(daily) == 1 and missed(daily) == 0
    assert daily.measured[Metric.OCCURRENCES_MISSED] == [1, 1]


def test_a_schedule_that_cannot_be_judged_or_read_holds_up_no_other(
    daily: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(daily, "other")
    client: Any = daily.session.client("scheduler")
    target = {"Arn": daily.settings.schedule_queue_arn, "RoleArn": daily.settings.schedule_role_arn}
    client.create_schedule(
        GroupName=daily.settings.schedule_group,
        Name="by-hand",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={**target, "Input": "hello"},
    )
    missed(daily)
    set_clock(daily, 6, 16)
    real = daily.services.occurrences.newest

    def newest(name: str) -> float | None:
        if name == "daily":
            raise TransientError("DynamoDB: ThrottlingException")
        return real(name)

    daily.measured.clear()
    with monkeypatch.context() as broken:
        broken.setattr(daily.services.occurrences, "newest", newest)
        assert missed(daily) == 1
    assert missed(daily) == 1, "in the next pass"
    assert daily.measured[Metric.STARTS_NOT_MOVED] == [1, 1], "of the one made by hand"


def test_schedules_that_cannot_be_read_at_all_are_measured(
    daily: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names(*_: Any) -> Any:
        raise TransientError("Scheduler: AccessDeniedException")

    monkeypatch.setattr(daily.services.schedules, "names", names)
    with pytest.raises(TransientError):
        missed(daily)
    assert daily.measured[Metric.STARTS_NOT_MOVED] == [1]


def test_more_schedules_than_are_looked_after_are_measured_at_each_pass(
    daily: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(daily, "zz-one-too-many")
    monkeypatch.setattr("snapshot_export.flows.periodic.pass_over_schedules.MAX_SCHEDULES", 1)
    missed(daily)
    missed(daily)
    assert daily.measured[Metric.STARTS_NOT_MOVED] == [1, 1]

"""Schedules that say ReadyBy: started so that they are ready, once a day, wherever the start moves.

The days go by in virtual time; `Alarm` is EventBridge Scheduler, which fires the entry of the
moment as it stands then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from snapshot_export.domain.export import Status
from snapshot_export.domain.schedule import Schedule
from snapshot_export.errors import TransientError
from snapshot_export.flows.dashboard.published import read_published
from snapshot_export.flows.periodic.move_starts import Moved
from snapshot_export.flows.periodic.pass_over_schedules import pass_over_schedules
from snapshot_export.metric import Metric
from tests.support.api import call_api
from tests.support.bursts import recipient
from tests.support.messages import message
from tests.support.world import World

DASHBOARD = "sales-overview"
PASS = 300.0


def ready_by(recipients: int = 48, **changes: Any) -> dict[str, Any]:
    template = message(None, Name="{recipient}/{date:%Y-%m-%d}")
    template.pop("UserConfiguration")
    return {
        "ReadyBy": {"Time": "07:00", "EarliestMinutesBefore": 120, "LatestMinutesBefore": 5},
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "Burst": {
            "Template": template,
            "Recipients": [recipient(number) for number in range(recipients)],
        },
    } | changes


def put(world: World, body: dict[str, Any], name: str = "morning") -> dict[str, Any]:
    answer = call_api(world.services, "PUT", f"/schedules/{name}", body)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body
    return found


def learn(world: World, job_seconds: float) -> None:
    for _ in range(12):
        world.services.durations.learn(DASHBOARD, "PDF", job_seconds)
    world.services.durations._read.clear()


def set_clock(world: World, text: str) -> None:
    """To the next such time of the day, in UTC."""
    now = datetime.fromtimestamp(world.clock.now(), UTC)
    hour, minute = map(int, text.split(":"))
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    world.clock.time = (then + timedelta(days=then <= now)).timestamp()


def present(world: World, name: str = "morning") -> Schedule:
    found = world.services.schedules.get(name)
    assert found is not None
    return found


def move_starts(world: World) -> Moved:
    return pass_over_schedules(world.services).moved


class Alarm:
    """Fires each entry at its start, every day, with its message."""

    def __init__(self, world: World, *names: str) -> None:
        self._world = world
        self._names = names
        self.fired: list[tuple[str, datetime]] = []

    def tick(self, seconds: float) -> None:
        """Let time go by, and fire what comes due meanwhile; entries are read as they are now."""
        begin = datetime.fromtimestamp(self._world.clock.now(), UTC)
        end = begin + timedelta(seconds=seconds)
        due = []
        for name in self._names:
            schedule = present(self._world, name)
            assert schedule.ready_by is not None
            for moment in (
                schedule.ready_by.moment_after(begin),
                schedule.ready_by.moment_after(end),
            ):
                start = schedule.ready_by.start_in(schedule.expression, moment)
                if start is not None and begin < start <= end and (start, name) not in due:
                    due.append((start, name))
        for start, name in sorted(due):
            self._world.clock.time = max(self._world.clock.time, start.timestamp())
            self._world.send(present(self._world, name).message_at(start))
            self.fired.append((name, start))
        self._world.clock.time = max(self._world.clock.time, end.timestamp())


def day(world: World, alarm: Alarm, until: str = "07:10") -> None:
    """From 03:00 UTC until after the moment (06:00 UTC): a pass each five minutes."""
    set_clock(world, "03:00")
    hour, minute = map(int, until.split(":"))
    end = datetime.fromtimestamp(world.clock.now(), UTC).replace(hour=hour, minute=minute)
    while world.clock.now() < end.timestamp():
        move_starts(world)
        world.take_intake()
        alarm.tick(PASS)


def occurrences(world: World, name: str = "morning") -> list[str]:
    ids = [each for each in world.services.bursts.unfinished_ids() if each.startswith(name)]
    return sorted(ids)


@pytest.fixture(autouse=True)
def in_november(world: World) -> Iterator[None]:
    before = world.clock.time
    world.clock.time = max(before, datetime(2027, 11, 22, 12, tzinfo=UTC).timestamp())
    yield


def test_the_start_is_the_latest_that_is_ready_in_19_of_20_cases(world: World) -> None:
    """48 exports of 60 s on 12 slots are four waves: about 4.2 min, 4.6 with the doubt, 2 spare."""
    learn(world, 60)
    made = put(world, ready_by())
    start = datetime.fromisoformat(made["StartsAt"])
    moment = present(world).ready_by.moment_after(start)  # type: ignore[union-attr]
    assert timedelta(minutes=6) <= moment - start <= timedelta(minutes=9)
    assert made["ScheduleExpression"] is None and made["ReadyBy"]["Time"] == "07:00"
    again = {"ReadyBy": made["ReadyBy"], "Burst": made["Burst"],
             "ScheduleExpressionTimezone": made["ScheduleExpressionTimezone"]}  # fmt: skip
    assert put(world, again)["StartsAt"] == made["StartsAt"], "what GET shows can be PUT"


@pytest.mark.parametrize("named", [["fresh"], "DASHBOARD"])
def test_the_learned_time_of_the_refresh_comes_before_the_work(world: World, named: object) -> None:
    learn(world, 60)
    without = datetime.fromisoformat(put(world, ready_by())["StartsAt"])
    read_published(world.services, DASHBOARD)
    body = ready_by()
    body["Burst"]["After"] = {"DataSets": named, "Since": "PT1H", "Until": "06:55"}
    unknown = datetime.fromisoformat(put(world, body)["StartsAt"])
    assert timedelta(minutes=1) <= without - unknown <= timedelta(minutes=3), "it is judged"
    for _ in range(12):
        world.services.refreshes.learn("fresh" if named == ["fresh"] else "sales", 1800)
    world.clock.sleep(60)
    known = datetime.fromisoformat(put(world, body)["StartsAt"])
    assert timedelta(minutes=30) <= unknown - known <= timedelta(minutes=55)


@pytest.mark.nightly
def test_over_days_with_changing_times_each_day_runs_once_and_starts_as_it_must(
    world: World,
) -> None:
    learn(world, 60)
    put(world, ready_by())
    alarm = Alarm(world, "morning")
    leads = []
    for job_seconds in (60, 240, 240, 30):
        learn(world, job_seconds)
        seen = set(occurrences(world))
        day(world, alarm)
        (new,) = set(occurrences(world)) - seen
        burst = world.services.bursts.find(new)
        assert burst is not None
        moment = datetime.strptime(new.split("-")[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        assert (moment.hour, moment.minute) == (6, 0), "named after the moment, not the start"
        leads.append((moment.timestamp() - burst.accepted_at) / 60)
    assert leads[0] < 10 and 17 < leads[1] < 40 and 17 < leads[2] < 40 and 4 <= leads[3] < 10


def test_a_start_that_is_moved_into_the_past_is_made_at_once(world: World) -> None:
    learn(world, 60)
    put(world, ready_by())
    set_clock(world, "05:40")
    learn(world, 600)
    moved = move_starts(world)
    assert (moved.starts_made, moved.starts_moved) == (1, 0)
    assert len(world.take_intake()) == 1
    assert len(occurrences(world)) == 1
    alarm = Alarm(world, "morning")
    alarm.tick(3000)
    assert alarm.fired, "the entry fires all the same"
    assert move_starts(world).starts_made == 0
    assert len(occurrences(world)) == 1


def test_an_update_after_the_days_start_fired_neither_repeats_nor_skips(world: World) -> None:
    learn(world, 600)
    put(world, ready_by())
    alarm = Alarm(world, "morning")
    day(world, alarm, until="05:45")
    (today,) = occurrences(world)
    fired = len(alarm.fired)
    schedule = present(world)
    assert schedule.ready_by is not None
    moment = schedule.ready_by.moment_after(datetime.fromtimestamp(world.clock.now(), UTC))
    late = moment - timedelta(minutes=5)
    assert world.services.schedules.move(
        schedule, schedule.starting(late), datetime.fromtimestamp(world.clock.now(), UTC)
    )
    alarm.tick(3600)
    assert len(alarm.fired) == fired + 1, "moved behind the present, it fires again today"
    assert occurrences(world) == [today]
    day(world, alarm)
    assert len(occurrences(world)) == 2


def test_while_nobody_moves_it_the_entry_fires_every_day(world: World) -> None:
    learn(world, 60)
    put(world, ready_by())
    alarm = Alarm(world, "morning")
    for _ in range(3):
        set_clock(world, "03:00")
        alarm.tick(4 * 3600)
    assert len(alarm.fired) == 3 and len(occurrences(world)) == 3


def test_the_deadline_and_the_dates_are_those_of_the_moment(world: World) -> None:
    learn(world, 600)
    put(world, ready_by(recipients=1) | {"ReadyBy": {"Time": "00:10"}})
    alarm = Alarm(world, "morning")
    set_clock(world, "20:00")
    for _ in range(48):
        move_starts(world)
        world.take_intake()
        alarm.tick(PASS)
    world.work_on_bursts()
    (today,) = occurrences(world)
    export = world.export(f"{today}-1")
    moment = datetime.strptime(today.split("-")[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert export.deadline == moment.timestamp()
    assert export.accepted_at < moment.timestamp()
    assert export.name == f"{{recipient}}/{moment + timedelta(hours=1):%Y-%m-%d}", "Berlin's day"


def test_recipients_of_a_manifest_are_those_of_the_last_time(world: World) -> None:
    learn(world, 60)
    body = ready_by()
    body["Burst"].pop("Recipients")
    key = f"s3://{world.settings.export_bucket}/manifests/list.csv"
    body["Burst"]["Manifest"] = {"S3Uri": key, "Format": "CSV"}
    rows = "".join(f"r{n},cust-{n:04d}\n" for n in range(48))
    world.session.client("s3").put_object(
        Bucket=world.settings.export_bucket,
        Key="manifests/list.csv",
        Body=f"RecipientId,tag:customer_id\n{rows}",
    )
    made = put(world, body)
    earliest = datetime.fromisoformat(made["StartsAt"])
    assert (earliest.hour, earliest.minute) == (4, 0), "unknown: as early as it may be"
    hinted = put(world, body | {"ReadyBy": body["ReadyBy"] | {"ExpectedRecipients": 48}}, "hinted")
    assert datetime.fromisoformat(hinted["StartsAt"]).hour == 5
    alarm = Alarm(world, "morning")
    call_api(world.services, "DELETE", "/schedules/hinted")
    day(world, alarm)
    world.work_on_bursts()
    day(world, alarm, until="05:30")
    assert present(world).expression.startswith("cron(5") and " 6 ? * " in present(world).expression


def test_two_that_must_be_ready_together_leave_each_other_time(world: World) -> None:
    learn(world, 240)
    alone = datetime.fromisoformat(put(world, ready_by())["StartsAt"])
    put(world, ready_by(), "other")
    set_clock(world, "03:45")
    move_starts(world)
    for name in ("morning", "other"):
        schedule = present(world, name)
        assert schedule.ready_by is not None
        now = datetime.fromtimestamp(world.clock.now(), UTC)
        moment = schedule.ready_by.moment_after(now)
        start = schedule.ready_by.start_in(schedule.expression, moment)
        assert start is not None
        lead, lead_alone = (
            moment - start,
            timedelta(hours=alone.hour and 6) - timedelta(hours=alone.hour, minutes=alone.minute),
        )
        assert lead > 1.6 * lead_alone


def test_what_is_disabled_or_over_is_left_alone(world: World) -> None:
    learn(world, 60)
    put(world, ready_by(State="DISABLED"))
    put(world, ready_by(EndDate="2026-01-01T00:00:00Z"), "over")
    set_clock(world, "05:59")
    assert move_starts(world).starts_made == 0
    assert world.take_intake() == []


def test_a_start_moves_although_the_start_date_has_passed(world: World) -> None:
    learn(world, 60)
    tomorrow = datetime.fromtimestamp(world.clock.now() + 86_400, UTC).isoformat()
    put(world, ready_by(StartDate=tomorrow))
    before = present(world)
    world.clock.time += 3 * 86_400
    set_clock(world, "03:45")
    learn(world, 400)
    moved = move_starts(world)
    assert (moved.starts_moved, moved.starts_not_moved) == (1, 0)
    assert present(world).start == before.start and present(world) != before


def test_a_start_that_cannot_be_moved_is_measured_and_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(world, 60)
    put(world, ready_by(), "refused")
    put(world, ready_by(), "taken")
    real = world.services.schedules.move

    def move(seen: Schedule, moved: Schedule, now: datetime) -> bool:
        if seen.name == "refused":
            raise TransientError("Scheduler: AccessDeniedException")
        return real(seen, moved, now)

    monkeypatch.setattr(world.services.schedules, "move", move)
    set_clock(world, "03:45")
    learn(world, 400)
    moved = move_starts(world)
    assert (moved.starts_moved, moved.starts_not_moved) == (1, 1)
    assert world.measured[Metric.STARTS_NOT_MOVED] == [1]


def test_a_declared_schedule_stays_declared_when_it_is_moved(world: World) -> None:
    learn(world, 60)
    put(world, ready_by())
    client = world.session.client("scheduler")
    found: Any = client.get_schedule(GroupName=world.settings.schedule_group, Name="morning")
    wanted = ("FlexibleTimeWindow", "ScheduleExpression", "ScheduleExpressionTimezone", "Target")
    client.update_schedule(
        GroupName=world.settings.schedule_group,
        Name="morning",
        Description=f"{Schedule.DECLARED}morning.json",
        **{name: found[name] for name in wanted},
    )
    set_clock(world, "03:45")
    learn(world, 400)
    assert move_starts(world).starts_moved == 1
    assert present(world).declared is True


def test_a_refused_occurrence_is_kept_under_the_name_of_its_moment(world: World) -> None:
    learn(world, 60)
    put(world, ready_by())
    text = json.loads(present(world).message_at(datetime(2027, 11, 23, 5, 50, tzinfo=UTC)))
    text["Burst"]["Priority"] = 99
    assert world.send(text) is Status.REJECTED
    assert world.export("morning-20271123T060000Z").status is Status.REJECTED


@pytest.mark.parametrize(
    "change",
    [
        {"ScheduleExpression": "rate(1 day)"},
        {"FlexibleTimeWindowMinutes": 5},
        {"ReadyBy": {"Time": "7:00"}},
        {"ReadyBy": {"Time": "07:00", "Days": ["NEVER"]}},
    ],
)
def test_a_wrong_ready_by_is_400(world: World, change: dict[str, Any]) -> None:
    answer = call_api(world.services, "PUT", "/schedules/morning", ready_by() | change)
    assert answer.status == 400

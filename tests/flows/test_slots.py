"""The slots are full and never overfull, whatever else happens in the account."""

from __future__ import annotations

import contextlib

import pytest

from snapshot_export.adapters.table.dynamodb import update_of
from snapshot_export.domain.export import Status
from snapshot_export.errors import JobNotFoundError, QuickSightThrottledError
from snapshot_export.metric import Metric
from tests.support.messages import message
from tests.support.nightly import nightly_but
from tests.support.world import World


def send_many(world: World, count: int) -> list[str]:
    ids = [f"export-{number:03d}" for number in range(count)]
    for number, export_id in enumerate(ids):
        world.send(message(export_id, customer=f"cust-{number + 1:04d}"))
    return ids


def set_gate(world: World, name: str, value: float) -> None:
    world.services.store._table.update(
        update_of(world.keys.gate, f"SET #{name} = :value", values={":value": value})
    )


def test_thirty_exports_fill_twelve_slots_and_each_job_starts_once(world: World) -> None:
    ids = send_many(world, 30)
    world.driver.run()
    assert {world.export(export_id).status for export_id in ids} == {Status.COMPLETED}
    summary = world.ledger()["summary"]
    assert summary["peak_running"] == 12
    assert (summary["throttled"], summary["limit_exceeded"]) == (0, 0)
    assert [job["starts"] for job in world.ledger()["jobs"]] == [1] * 30
    assert summary["max_calls_in_any_second"] <= 10


def test_the_backlog_is_admitted_by_priority_then_deadline_then_age(world: World) -> None:
    set_gate(world, "limit", 1)
    world.send(message("first"))
    world.send(message("late", Deadline="2027-06-01T10:00:00Z"))
    world.send(message("plain"))
    world.send(message("soon", Deadline="2027-06-01T08:00:00Z"))
    world.send(message("urgent", Priority=1))
    world.driver.run()
    started = [job["SnapshotJobId"].rsplit("-", 2)[0] for job in world.ledger()["jobs"]]
    assert started == ["first", "urgent", "soon", "late", "plain"]


def test_slots_that_others_use_delay_exports_and_fail_none(world: World) -> None:
    world.quicksight.emulator.occupy(5, 20.0)
    ids = send_many(world, 30)
    world.driver.run()
    exports = [world.export(export_id) for export_id in ids]
    assert {export.status for export in exports} == {Status.COMPLETED}
    assert {export.attempt for export in exports} == {1}
    summary = world.ledger()["summary"]
    assert summary["limit_exceeded"] > 0
    assert summary["jobs_started"] == 30
    assert summary["peak_running"] == 12, "the slots are used again after the others left"


@pytest.mark.nightly
def test_refused_starts_stay_few_while_others_hold_slots(world: World) -> None:
    world.quicksight.emulator.occupy(5, 600.0)
    send_many(world, 40)
    world.driver.run(until=world.clock.now() + 150)
    refused = world.ledger()["summary"]["limit_exceeded"]
    assert refused <= 5 + 150 / 15, "one probe in each hold"


def test_a_limit_lowered_live_drains_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = send_many(world, 24)
    world.driver.run(until=world.clock.now() + 2)
    set_gate(world, "limit", 3)
    running = [12]

    def never_rises_above_three() -> None:
        running.append(world.services.store.gate().running)
        assert running[-1] <= max(3, running[-2])

    monkeypatch.setattr(world, "check_invariants", never_rises_above_three)
    world.driver.run()
    assert {world.export(export_id).status for export_id in ids} == {Status.COMPLETED}


@pytest.mark.parametrize("limit", nightly_but({12}, [12, 100]))
def test_all_calls_together_stay_under_ten_a_second(world: World, limit: int) -> None:
    set_gate(world, "limit", limit)
    world.quicksight.emulator.reset()
    send_many(world, limit)
    world.driver.run(until=world.clock.now() + 25)
    summary = world.ledger()["summary"]
    assert summary["throttled"] == 0
    assert summary["max_calls_in_any_second"] <= 10


def call_for(world: World, seconds: float, others: float = 0.0) -> tuple[int, int]:
    """Call QuickSight as often as the pacer lets us, beside others' calls a second.

    Answers how many calls were made, and how many of them throttled.
    """
    world.quicksight.emulator.reset()
    if others:
        world.quicksight.emulator.others_call(others, seconds)
    end = world.clock.now() + seconds
    while world.clock.now() < end:
        with contextlib.suppress(JobNotFoundError, QuickSightThrottledError):
            world.services.quicksight.describe("sales-overview", "no-such-job", patience=60.0)
    calls = world.ledger()["calls"]
    return len(calls), sum(call["outcome"] == "ThrottlingException" for call in calls)


def test_calls_give_way_to_those_of_others_and_come_back(world: World) -> None:
    calls, refused = call_for(world, 120.0, others=6.0)
    assert 0 < refused == sum(world.measured[Metric.QUICKSIGHT_THROTTLED])
    assert calls > 3 * 120, "what others leave is used"
    assert refused < calls / 20
    lowered = world.measured[Metric.CALLS_PER_SECOND]
    assert lowered and all(0.5 <= pace < 8 for pace in lowered)
    calls, refused = call_for(world, 60.0)
    assert refused == 0 and calls > 6 * 60, "nearly the whole pace again"


@pytest.mark.nightly
def test_calls_that_do_not_give_way_are_refused_far_more_often(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same two minutes without the slowdown that it is for."""
    monkeypatch.setattr("snapshot_export.adapters.table.pacer.slowed", lambda *_: None)
    calls, refused = call_for(world, 120.0, others=6.0)
    assert refused > calls / 5


def test_a_missing_gate_means_nothing_runs(world: World) -> None:
    gate, attempts = world.services.store.in_flight()
    assert (gate.running, attempts) == (0, ())
    world.send(message("first-ever"))
    assert world.services.store.gate().running == 1


def test_a_lone_export_starts_at_once_and_not_at_the_next_minute(world: World) -> None:
    sent = world.clock.now()
    world.send(message("lone"))
    world.driver.run(until=sent + 5)
    (job,) = world.ledger()["jobs"]
    assert job["created"] - sent < 5


def test_steps_and_writes_per_export_do_not_grow_with_the_backlog(world: World) -> None:
    def cost_of(count: int, name: str) -> tuple[float, float]:
        steps, writes = world.driver.steps, world.writes
        for number in range(count):
            world.send(message(f"{name}-{number}", customer=f"cust-{number + 1:04d}"))
        world.driver.run()
        return (world.driver.steps - steps) / count, (world.writes - writes) / count

    cost_of(14, "learned-from")
    few_steps, few_writes = cost_of(14, "few")
    many_steps, many_writes = cost_of(36, "many")
    assert many_steps <= few_steps + 1
    assert many_writes <= 1.1 * few_writes

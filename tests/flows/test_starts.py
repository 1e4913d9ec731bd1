"""A slot is freed by QuickSight's word about its job, given after what was on its way arrived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from snapshot_export.adapters.quicksight.quicksight import QuickSight
from snapshot_export.domain.export import LOST, Attempt, Status
from snapshot_export.domain.windows import (
    CALL_SECONDS,
    CLOCKS_SECONDS,
    CONNECT_SECONDS,
    LOST_AFTER_SECONDS,
    READ_SECONDS,
    SEND_SECONDS,
    TURN_SECONDS,
)
from snapshot_export.errors import ConditionFailedError, NoTurnError
from snapshot_export.flows.export.cancel import cancel
from snapshot_export.flows.export.start import start, start_admitted
from snapshot_export.flows.periodic.reconcile import reconcile
from tests.support.messages import message
from tests.support.world import World

START = "StartDashboardSnapshotJob"
DESCRIBE = "DescribeDashboardSnapshotJob"


def lease(world: World, export_id: str) -> Attempt:
    record = world.services.store.attempt(export_id)
    assert record is not None, "the lease is gone"
    return record


def starts(world: World) -> list[int]:
    return [job["starts"] for job in world.ledger()["jobs"]]


def before_the_start(
    monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None], *, times: int = 1
) -> None:
    """What happens between the note of a start and its call, the first times."""
    real, left = QuickSight.start, iter([happens] * times)

    def slow_start(quicksight: QuickSight, *args: Any, **more: Any) -> None:
        next(left, lambda: None)()
        real(quicksight, *args, **more)

    monkeypatch.setattr(QuickSight, "start", slow_start)


def test_the_windows_leave_time_for_a_call_at_its_slowest() -> None:
    assert TURN_SECONDS < SEND_SECONDS
    assert SEND_SECONDS + CONNECT_SECONDS + READ_SECONDS + CLOCKS_SECONDS < CALL_SECONDS


def test_a_second_invocation_of_a_slow_start_does_not_hand_its_lease_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reconciler's execution comes while the first one still waits for its turn."""
    seen: list[str] = []

    def overtaken() -> None:
        world.clock.sleep(21)
        reconcile(world.services)
        world.quicksight.emulator.occupy(12, None)
        seen.append(start(world.services, "slow", 1, 1)["Phase"])
        world.quicksight.emulator.vacate()

    before_the_start(monkeypatch, overtaken)
    world.send(message("slow"))
    start(world.services, "slow", 1, 1)
    assert seen == ["NOT_STARTED"]
    assert lease(world, "slow").holds_slot and world.services.store.gate().running == 1
    world.driver.run()
    assert world.export("slow").status is Status.COMPLETED
    assert starts(world) == [1]


def test_a_start_that_was_noted_meanwhile_keeps_the_slot(world: World) -> None:
    world.send(message("noted"))
    store, seen = world.services.store, lease(world, "noted")
    store.begin_call(seen, world.clock.now() + CALL_SECONDS)
    with pytest.raises(ConditionFailedError):
        store.hand_back(seen, world.export("noted"), world.clock.now())
    with pytest.raises(ConditionFailedError):
        store.release(seen, LOST, world.clock.now(), world.clock.now())
    with pytest.raises(ConditionFailedError):
        store.begin_call(seen, world.clock.now() + CALL_SECONDS)
    assert store.gate().running == 1


def test_a_start_that_was_noted_and_not_answered_meanwhile_keeps_the_slot(world: World) -> None:
    """Who read the lease before it was sent must not free the slot: the start may arrive yet."""
    world.send(message("unanswered"))
    store, seen = world.services.store, lease(world, "unanswered")
    sent = store.begin_call(seen, world.clock.now() + CALL_SECONDS)
    store.end_call(sent, is_answered=False)
    with pytest.raises(ConditionFailedError):
        store.release(seen, LOST, world.clock.now(), world.clock.now())
    assert lease(world, "unanswered").holds_slot and store.gate().running == 1


def test_a_start_whose_turn_comes_too_late_is_not_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_the_start(monkeypatch, lambda: world.clock.sleep(SEND_SECONDS + 1))
    world.send(message("late"))
    with pytest.raises(NoTurnError):
        start(world.services, "late", 1, 1)
    assert world.ledger()["jobs"] == []
    world.driver.run()
    assert (world.export("late").status, starts(world)) == (Status.COMPLETED, [1])


def test_a_refusal_to_tell_of_a_job_is_no_word_that_there_is_none(world: World) -> None:
    """The first start took effect and its answer was lost; then access is denied for a while."""
    world.send(message("denied"))
    world.switch("lose_response", Operation=START)
    world.switch("raise_exception", Operation=DESCRIBE, Exception="AccessDeniedException", times=2)
    assert start(world.services, "denied", 1, 1)["Phase"] == "NOT_STARTED"
    world.switch("raise_exception", Operation=START, Exception="AccessDeniedException")
    assert start(world.services, "denied", 1, 1)["Phase"] == "NOT_STARTED"
    assert world.services.store.gate().running == 1
    world.driver.run()
    assert (world.export("denied").status, starts(world)) == (Status.COMPLETED, [1])


def test_where_every_start_was_refused_a_refusal_to_tell_fails_the_export(world: World) -> None:
    world.switch("raise_exception", Exception="AccessDeniedException", times=99)
    world.send(message("never"))
    world.driver.run()
    assert world.export("never").status is Status.FAILED
    assert world.services.store.gate().running == 0


def test_one_answer_that_a_job_is_unknown_frees_no_slot_however_old_the_job_is(
    world: World,
) -> None:
    world.switch("job_seconds", seconds=3 * LOST_AFTER_SECONDS)
    world.send(message("old"))
    for _ in range(2):
        world.driver.run(until=world.clock.now() + LOST_AFTER_SECONDS + 60)
        world.switch("raise_exception", Operation=DESCRIBE, Exception="ResourceNotFoundException")
    world.driver.run()
    export = world.export("old")
    assert (export.status, export.attempt, starts(world)) == (Status.COMPLETED, 1, [1])


def test_a_job_that_is_known_again_is_not_lost_while_it_is_freed(world: World) -> None:
    world.send(message("seen"))
    world.driver.run(until=world.clock.now() + 5)
    store, now = world.services.store, world.clock.now()
    store.mark_unknown(lease(world, "seen"), now)
    unknown = lease(world, "seen")
    store.mark_known(unknown)
    with pytest.raises(ConditionFailedError):
        store.release(unknown, LOST, now, now)
    assert store.gate().running == 1


def test_a_hand_over_starts_no_job_of_an_export_that_was_cancelled_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.send(message("regretted"))
    read = world.services.store.export
    stale = [world.export("regretted")]
    cancel(world.services, "regretted")
    monkeypatch.setattr(
        world.services.store, "export", lambda each: stale.pop() if stale else read(each)
    )
    start_admitted(world.services, lease(world, "regretted"))
    assert world.ledger()["jobs"] == []


def test_an_adopted_job_started_when_quicksight_says(world: World) -> None:
    world.send(message("adopted"))
    world.switch("lose_response", Operation=START)
    world.switch("raise_exception", Operation=DESCRIBE, Exception="ThrottlingException")
    start(world.services, "adopted", 1, 1)
    began_at = world.clock.now()
    world.clock.sleep(20)
    start(world.services, "adopted", 1, 1)
    assert lease(world, "adopted").started_at == pytest.approx(began_at, abs=1)


def test_a_start_that_is_noted_twice_stays_as_it_was_noted_first(world: World) -> None:
    world.send(message("twice"))
    record, now = lease(world, "twice"), world.clock.now()
    world.services.store.mark_started(record, now)
    world.services.store.mark_started(record, now + 30)
    assert lease(world, "twice").started_at == now


def test_a_lease_that_was_released_is_not_handed_back(world: World) -> None:
    world.send(message("other"))
    world.send(message("released"))
    seen, store = lease(world, "released"), world.services.store
    store.release(seen, LOST, world.clock.now(), world.clock.now())
    with pytest.raises(ConditionFailedError):
        store.hand_back(seen, world.export("released"), world.clock.now())
    assert store.gate().running == 1


def test_two_passes_of_the_reconciler_count_one_restart(world: World) -> None:
    world.send(message("twice"))
    seen, now = lease(world, "twice"), world.clock.now()
    world.services.store.mark_restarted(seen, now, now + 600)
    with pytest.raises(ConditionFailedError):
        world.services.store.mark_restarted(seen, now, now + 600)
    assert lease(world, "twice").restarts == 1

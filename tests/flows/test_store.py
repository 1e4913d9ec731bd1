"""What each write of the store is conditional on, and what it keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snapshot_export.domain.export import Attempt
from snapshot_export.domain.gate import decide_admission
from snapshot_export.errors import ConditionFailedError
from snapshot_export.flows.export.cancel import cancel
from snapshot_export.flows.export.start import start
from tests.support.messages import message
from tests.support.world import World


def lease(world: World, export_id: str) -> Attempt:
    record = world.services.store.attempt(export_id)
    assert record is not None, "the lease is gone"
    return record


def test_a_restart_is_counted_once_for_those_who_saw_the_same_attempt(world: World) -> None:
    world.send(message("gone"))
    store, seen, now = world.services.store, lease(world, "gone"), world.clock.now()
    assert store.mark_restarted(seen, now, now + 1).restarts == 1
    with pytest.raises(ConditionFailedError):
        store.mark_restarted(seen, now, now + 1)


def test_the_first_note_of_a_start_stays(world: World) -> None:
    world.send(message("noted"))
    store, seen = world.services.store, lease(world, "noted")
    store.mark_started(seen, 100.0)
    assert store.mark_started(seen, 200.0).started_at == 100.0


def test_an_adopted_job_was_started_when_quicksight_created_it(world: World) -> None:
    world.send(message("adopted"))
    world.switch("lose_response", Operation="StartDashboardSnapshotJob")
    start(world.services, "adopted", 1, 1)
    (job,) = world.ledger()["jobs"]
    assert lease(world, "adopted").started_at == pytest.approx(job["created"], abs=0.001)
    assert world.clock.now() - job["created"] > 0.1, "time passed before it was found"


def test_an_export_that_is_queued_again_is_still_at_risk(world: World) -> None:
    world.send(message("late"))
    store, now = world.services.store, world.clock.now()
    store.mark_at_risk(lease(world, "late"), now)
    calling = store.begin_call(lease(world, "late"), now + 60)
    store.hand_back(calling, world.export("late"), now)
    assert [entry.at_risk for entry in store.first_waiting(9, now)] == [True]


def test_the_next_attempt_of_a_cancelled_export_is_not_queued(world: World) -> None:
    world.send(message("cancelled"))
    store, now = world.services.store, world.clock.now()
    started = store.mark_started(lease(world, "cancelled"), now)
    store.release(started, "FAILED", now, now)
    cancel(world.services, "cancelled")
    again = replace(world.export("cancelled"), attempt=2)
    with pytest.raises(ConditionFailedError):
        store.queue_next(started, again, now)
    assert store.first_waiting(9, now) == []


@pytest.mark.parametrize("attribute", ["ceiling", "limit", "reserved", "paused_until"])
def test_an_admission_holds_only_at_the_gate_that_it_was_decided_by(
    world: World, attribute: str
) -> None:
    store = world.services.store
    store.change_gate({"paused_until": world.clock.now() + 1})
    world.send(message("waits"))
    world.clock.sleep(2)
    store.change_gate({"ceiling": 5, "limit": 8, "reserved": 1})
    now = world.clock.now()
    entries = store.first_waiting(1, now)
    decision = decide_admission(store.gate(), default_limit=12, now=now).for_count(1)
    store.change_gate({attribute: 6})
    attempt = Attempt(
        export_id="waits",
        attempt=1,
        admission=1,
        dashboard_id=entries[0].dashboard_id,
        snapshot_job_id="waits-1",
        admitted_at=now,
        start_by=now + 600,
    )
    with pytest.raises(ConditionFailedError) as refused:
        store.admit(decision, [attempt], entries)
    assert refused.value.failed == (0,)
    assert store.gate().running == 0

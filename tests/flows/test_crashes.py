"""Functions and executions die; the reconciler and repeated steps bring everything to its end.

The enumeration of every crash point is `make chaos` (issue 4); these are the places that a reader
would ask about first.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from snapshot_export.adapters.table.dynamodb import update_of
from snapshot_export.domain.export import Status
from snapshot_export.errors import TransientError
from snapshot_export.flows.periodic.reconcile import reconcile
from tests.support.messages import message
from tests.support.world import World


def test_a_lease_whose_execution_was_never_started_gets_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise TransientError("StartExecution: down")

    with monkeypatch.context() as patched:
        patched.setattr(world.executions, "start", fail)
        world.send(message("no-execution"))
    assert world.services.store.gate().running == 1
    world.driver.run()
    assert world.export("no-execution").status is Status.COMPLETED
    ((name, end),) = world.driver.ends.items()
    assert (name[-3:], end) == ("-r1", "DONE")


def test_an_aborted_execution_keeps_its_slot_and_the_export_is_completed(world: World) -> None:
    world.send(message("aborted"))
    start = world.clock.now()
    world.driver.run(until=start + 5)
    world.driver.abort("aborted")
    assert world.services.store.gate().running == 1
    world.driver.run()
    assert world.export("aborted").status is Status.COMPLETED
    assert [job["starts"] for job in world.ledger()["jobs"]] == [1]


@pytest.mark.parametrize(
    ("adapter", "method"),
    [
        ("store", "mark_started"),
        ("store", "release"),
        ("store", "finish"),
        ("files", "collect"),
        ("events", "announce_end"),
    ],
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_step_that_died_is_repeated_without_harm(
    world: World, monkeypatch: pytest.MonkeyPatch, adapter: str, method: str, after: bool
) -> None:
    class Killed(BaseException):
        pass

    real: Callable[..., object] = getattr(getattr(world.services, adapter), method)
    kills = iter([True])

    def dying(_self: object, *args: object, **more: object) -> object:
        killed = next(kills, False)
        if killed and not after:
            raise Killed
        result = real(*args, **more)
        if killed:
            raise Killed
        return result

    run_step = world.driver._run_step

    def redelivered(step: object) -> None:
        try:
            run_step(step)  # type: ignore[arg-type]
        except Killed:
            run_step(step)  # type: ignore[arg-type]

    monkeypatch.setattr(type(getattr(world.services, adapter)), method, dying)
    monkeypatch.setattr(world.driver, "_run_step", redelivered)
    world.send(message("killed"))
    world.driver.run()
    assert next(kills, None) is None, "the kill was never reached"
    assert world.export("killed").status is Status.COMPLETED
    assert [job["starts"] for job in world.ledger()["jobs"]] == [1]
    assert world.services.store.in_flight()[1] == ()
    assert world.services.store.gate().running == 0


def test_a_counter_changed_by_hand_is_set_to_the_leases(world: World) -> None:
    world.send(message("counted"))
    world.services.store._table.update(
        update_of(world.keys.gate, "SET running = :wrong", values={":wrong": 7})
    )
    assert reconcile(world.services).counter_corrected == 1
    assert world.services.store.gate().running == 1


def test_a_backlog_entry_of_an_export_that_does_not_wait_stops_nobody(world: World) -> None:
    world.services.store._table.update(
        update_of(world.keys.gate, "SET #limit = :none", values={":none": 0})
    )
    world.send(message("broken"))
    world.send(message("behind"))
    world.services.store._table.update(
        update_of(
            world.keys.export("broken"),
            "SET #status = :done",
            values={":done": Status.FAILED},
        )
    )
    world.services.store._table.update(
        update_of(world.keys.gate, "SET #limit = :one", values={":one": 1})
    )
    world.driver.run()
    assert world.export("behind").status is Status.COMPLETED

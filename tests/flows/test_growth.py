"""What `make bench-growth` counts is what the flows and the state machine do."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest

from bench.growth import CountingDriver, fill, find_growth
from snapshot_export.adapters.services import Services
from snapshot_export.adapters.table.store import accept_writes
from snapshot_export.domain.export import Status
from snapshot_export.flows.export.admit import admit
from snapshot_export.flows.export.step_answer import Answer
from tests.support.messages import message
from tests.support.world import World


def test_exports_written_in_batches_are_as_if_accepted(world: World) -> None:
    fill(world, 14)
    before = world.export("w-000003")
    assert world.services.store.accept(before) is False
    world.send(message("sent-alone"))
    alone = world.export("sent-alone")
    kinds = [set(write["Put"]["Item"]) for write in accept_writes(world.keys, before)]
    assert kinds[1] == set(accept_writes(world.keys, alone)[1]["Put"]["Item"])
    admit(world.services)
    world.driver.run()
    ids = [*(f"w-{number:06}" for number in range(14)), "sent-alone"]
    assert [world.export(each).status for each in ids] == [Status.COMPLETED] * 15


def answer_with(phase: str, *waits: float) -> Callable[..., Answer]:
    """A step that answers RUNNING with each wait, then the phase."""
    left = list(waits)

    def step(_services: Services, export_id: str, attempt: int, _admission: int) -> Answer:
        running = bool(left)
        return {
            "ExportId": export_id,
            "Attempt": attempt,
            "Phase": "RUNNING" if running else phase,
            "WaitSeconds": left.pop(0) if running else 0,
        }

    return step


class Scripted(CountingDriver):
    STATES: ClassVar = {
        "StartSnapshot": answer_with("RUNNING", 15.0),
        "DescribeSnapshot": answer_with("ENDED", 1.0, 2.0, 20.0, *[9.0] * 6),
        "CollectFiles": answer_with("DONE"),
    }


def test_states_are_counted_as_the_machine_enters_them(world: World) -> None:
    driver = Scripted(world)
    world.send(message())
    driver.run(until=world.clock.now() + 300, reconcile_every=1000)
    entered = ["StartSnapshot"]
    entered += ["WaitForSnapshot", "DescribeSnapshot", "RouteSnapshot"]  # 1 s, 2 s, then 20 s
    entered += ["WaitForSnapshot", "DescribeSnapshot", "RouteSnapshot"]  # 9 s each, to 50 s
    entered += ["WaitForSnapshot", "DescribeSnapshot", "RouteSnapshot"]
    entered += ["CollectFiles", "RouteSnapshot", "AttemptDone"]
    assert driver.transitions == len(entered)
    assert driver.invocations == 5


@pytest.mark.parametrize(
    ("values", "grows"),
    [
        ([7.0, 7.0, 7.6], []),
        ([7.0, 7.0, 7.8], ["states"]),
        ([7.0, 6.0, 7.0], ["states"]),
        ([0.0, 0.0, 0.0], []),
        ([0.0, 0.0, 1.0], ["states"]),
    ],
)
def test_growth_is_more_than_a_tenth_of_the_first(values: list[float], grows: list[str]) -> None:
    rows: list[dict[str, float]] = [
        {"waiting": 10**n, "states": value, "admission_ms": 5.0 * 10**n}
        for n, value in enumerate(values)
    ]
    assert find_growth(rows) == grows

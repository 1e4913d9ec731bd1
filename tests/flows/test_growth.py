"""What `make bench-growth` counts is what the flows and the state machine do."""

from __future__ import annotations

import pytest

from bench.growth import CountingDriver, fill, find_growth
from snapshot_export.adapters.store import accept_writes
from snapshot_export.domain.export import Status
from snapshot_export.flows.admit import admit
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


def test_states_are_counted_as_the_machine_enters_them(world: World) -> None:
    driver = CountingDriver(world)
    world.driver = driver
    world.send(message())
    driver.run()
    describes = driver.steps - len(["StartSnapshot", "CollectFiles"])
    entered = ["StartSnapshot", "CollectFiles", "RouteSnapshot", "AttemptDone"]
    each = ["WaitForSnapshot", "DescribeSnapshot", "RouteSnapshot"]
    assert driver.transitions == len(entered) + describes * len(each)


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

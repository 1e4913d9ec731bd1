"""Bursts and single exports of one class share the slots (domain/fair_share.py)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from local.quicksight.catalogue import DataSet
from snapshot_export.domain.backlog import DAY_SECONDS
from snapshot_export.flows.burst.expand import expand
from snapshot_export.flows.data.release import release_export
from snapshot_export.flows.periodic.start_after_data import start_after_data
from tests.support.api import call_api
from tests.support.bursts import burst, recipient
from tests.support.messages import message
from tests.support.world import World


def send_burst(world: World, burst_id: str, count: int, **more: Any) -> None:
    recipients = [recipient(number) for number in range(1, count + 1)]
    world.send({"Burst": burst(burst_id, recipients=recipients, **more)})
    world.work_on_bursts()


def waiting(world: World, count: int) -> list[str]:
    found = world.services.store.first_waiting(count, world.clock.now())
    return [entry.export_id for entry in found]


def bursts_among(ids: list[str]) -> Counter[str]:
    return Counter(export_id.rpartition("-")[0] for export_id in ids)


def test_a_single_export_starts_within_a_jobs_time_while_a_large_burst_runs(world: World) -> None:
    send_burst(world, "large", 60)
    world.driver.run(until=world.clock.now() + 10)
    world.send(message("single"))
    accepted = world.clock.now()
    world.driver.run()
    jobs = world.ledger()["jobs"]
    started = {job["SnapshotJobId"].rsplit("-", 2)[0]: job["created"] for job in jobs}
    longest = max(job["seconds"] for job in jobs)
    assert started["single"] - accepted <= longest
    assert sum(at > started["single"] for at in started.values()) >= 30


def test_two_bursts_share_the_slots_and_each_keeps_its_lines_in_order(world: World) -> None:
    send_burst(world, "first", 40)
    send_burst(world, "second", 40)
    ids = waiting(world, 40)
    assert bursts_among(ids) == {"first": 20, "second": 20}
    for name in ("first", "second"):
        lines = [int(each.rpartition("-")[2]) for each in ids if each.startswith(name)]
        assert lines == sorted(lines)


def test_a_weight_is_a_share(world: World) -> None:
    send_burst(world, "plain", 60)
    send_burst(world, "heavy", 60, Weight=3)
    assert bursts_among(waiting(world, 40)) == {"plain": 10, "heavy": 30}


def test_single_exports_wait_in_the_order_of_their_acceptance(world: World) -> None:
    world.services.store.change_gate({"paused_until": world.clock.now() + 3600})
    for export_id in ("z", "y", "x", "w"):
        world.send(message(export_id))
    assert waiting(world, 4) == ["z", "y", "x", "w"]
    place = call_api(world.services, "GET", "/exports/y").body["Place"]
    assert place == 2


@pytest.mark.nightly
def test_a_flood_of_single_exports_leaves_a_burst_its_share(world: World) -> None:
    for number in range(30):
        world.send(message(f"single-{number}"))
    send_burst(world, "burst", 20)
    assert bursts_among(waiting(world, 21)) == {"single": 11, "burst": 10}


def test_a_burst_that_is_read_in_pieces_gets_no_more_than_its_share(world: World) -> None:
    send_burst(world, "first", 150)
    recipients = [recipient(number) for number in range(1, 151)]
    world.send({"Burst": burst("second", recipients=recipients)})
    for _ in range(10):
        expand(world.services, "second", stop_at=0.0)
    assert bursts_among(waiting(world, 200)) == {"first": 100, "second": 100}


def test_what_waited_for_data_has_its_place_from_when_the_data_was_there(world: World) -> None:
    after = {"DataSets": ["fresh"], "Since": "PT1H", "Until": "P2D"}
    world.quicksight.emulator.put_data_set(DataSet("fresh", "Fresh"))
    world.services.store.change_gate({"paused_until": world.clock.now() + 10 * DAY_SECONDS})
    for export_id in ("awaited", "released"):
        world.send(message(export_id, After=after))
    world.send({"Burst": burst("people", recipients=[recipient(1)], After=after)})
    world.clock.sleep(DAY_SECONDS)
    world.send(message("first"))
    world.quicksight.emulator.refresh("fresh")
    start_after_data(world.services, stop_at=world.clock.now() + 20)
    world.work_on_bursts()
    ids = waiting(world, 4)
    assert ids[0] == "first" and set(ids[1:]) == {"awaited", "released", "people-1"}
    world.send(message("last"))
    ranks = [world.export(each).rank for each in (*ids, "last")]
    assert ranks == sorted(ranks)


def test_one_that_is_released_has_its_place_from_then(world: World) -> None:
    after = {"DataSets": ["fresh"], "Since": "PT1H", "Until": "P2D"}
    world.quicksight.emulator.put_data_set(DataSet("fresh", "Fresh"))
    world.services.store.change_gate({"paused_until": world.clock.now() + DAY_SECONDS})
    world.send(message("waits", After=after))
    assert world.export("waits").rank == ""
    for export_id in ("first", "second"):
        world.send(message(export_id))
    release_export(world.services, "waits")
    assert waiting(world, 3) == ["first", "second", "waits"]


def test_priority_and_deadline_stay_above_shares(world: World) -> None:
    send_burst(world, "first", 20)
    send_burst(world, "due", 4, Deadline="2027-06-01T10:00:00Z")
    send_burst(world, "urgent", 4, Priority=1)
    assert bursts_among(waiting(world, 9)) == {"urgent": 4, "due": 4, "first": 1}


@pytest.mark.parametrize("weight", [0, 11, "2", 1.5])
def test_another_weight_is_refused(world: World, weight: object) -> None:
    world.send({"Burst": burst("b", recipients=[recipient(1)], Weight=weight)})
    (rejected,) = world.rejected()
    assert "Weight" in str(rejected)

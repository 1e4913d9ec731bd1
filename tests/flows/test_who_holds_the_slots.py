"""GET /slots: who holds the slots, whose files are collected, and who waits, in their order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from snapshot_export.adapters.table.dynamodb import update_of
from snapshot_export.domain.export import Attempt
from tests.support.api import call_api
from tests.support.bursts import burst, recipient
from tests.support.messages import message
from tests.support.world import World


def slots(world: World, query: str = "") -> dict[str, Any]:
    answer = call_api(world.services, "GET", f"/slots{query}")
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body
    return found


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["ExportId"] for row in rows]


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def limit(world: World, slots: int) -> None:
    assert call_api(world.services, "PUT", "/capacity", {"Limit": slots}).status == 200


def test_an_idle_target_has_free_slots_and_nobody_in_them(world: World) -> None:
    found = slots(world)
    assert (found["Target"], found["Slots"], found["MoreWait"]) == ("default", 12, False)
    assert found["Held"] == found["Collecting"] == found["Waiting"] == []


def test_each_row_says_what_the_export_itself_says(world: World) -> None:
    limit(world, 2)
    for number in range(5):
        world.send(message(f"e-{number}"))
    world.send(message("urgent", Priority=1, Deadline="2027-06-01T10:00:00Z"))
    found = slots(world)
    assert ids(found["Held"]) == ["e-0", "e-1"]
    assert ids(found["Waiting"]) == ["urgent", "e-2", "e-3", "e-4"]
    assert [row["Place"] for row in found["Waiting"]] == [1, 2, 3, 4]
    for row in found["Held"] + found["Waiting"]:
        shown = call_api(world.services, "GET", f"/exports/{row['ExportId']}").body
        common = (set(row) & set(shown)) - {"ExpectedEnd"}
        assert {"DashboardId", "Attempt", "Deadline"} <= common
        assert {name: row[name] for name in common} == {name: shown[name] for name in common}
        assert abs(seconds(shown["ExpectedEnd"]) - seconds(row["ExpectedEnd"])) < 10
    ends = [row["ExpectedEnd"] for row in found["Waiting"]]
    assert ends == sorted(ends) and min(ends) > found["At"]


def test_those_that_wait_are_cut_where_asked_and_say_so(world: World) -> None:
    limit(world, 1)
    for number in range(4):
        world.send(message(f"e-{number}"))
    found = slots(world, "?Limit=2")
    assert (ids(found["Waiting"]), found["MoreWait"]) == (["e-1", "e-2"], True)
    assert slots(world, "?Limit=4")["MoreWait"] is False
    for wrong in ("0", "101", "x"):
        assert call_api(world.services, "GET", f"/slots?Limit={wrong}").status == 400


def test_recipients_of_a_burst_are_named_with_it(world: World) -> None:
    limit(world, 1)
    world.send({"Burst": burst("november", recipients=[recipient(1), recipient(2)])})
    world.work_on_bursts()
    found = slots(world)
    assert ids(found["Held"] + found["Waiting"]) == ["november-1", "november-2"]
    assert {row["BurstId"] for row in found["Held"] + found["Waiting"]} == {"november"}


def test_a_freed_slot_is_not_held_while_the_files_are_collected(world: World) -> None:
    world.send(message("e-0"))
    attempt = world.services.store.attempt("e-0")
    assert isinstance(attempt, Attempt)
    started = world.services.store.mark_started(attempt, world.clock.now())
    world.services.store.release(started, "COMPLETED", world.clock.now(), world.clock.now())
    found = slots(world)
    assert found["Held"] == [] and ids(found["Collecting"]) == ["e-0"]
    shown = call_api(world.services, "GET", "/exports/e-0").body
    assert shown["Collecting"] and found["Collecting"][0]["ExpectedEnd"] == shown["ExpectedEnd"]


def test_what_waits_for_its_next_attempt_has_a_time_and_no_place(world: World) -> None:
    world.switch("fail_job", ErrorType="INTERNAL_FAILURE")
    world.send(message("flaky"))
    while not world.export("flaky").due_at:
        world.driver.run(until=world.clock.now() + 1)
    limit(world, 0)
    world.send(message("e-1"))
    found = {row["ExportId"]: row for row in slots(world)["Waiting"]}
    assert (found["flaky"]["Place"], found["e-1"]["Place"]) == (None, 1)
    assert found["e-1"]["DueAt"] is None and found["flaky"]["DueAt"] > slots(world)["At"]


@pytest.mark.parametrize("attribute", ["attempt", "dashboard_id"])
def test_a_damaged_lease_counts_as_held(world: World, attribute: str) -> None:
    world.send(message("e-0"))
    world.services.store._table.update(
        update_of(world.keys.attempt("e-0"), f"REMOVE {attribute}", values={})
    )
    (row,) = slots(world)["Held"]
    assert row["ExportId"] == "e-0"
    assert row["DashboardId"] is row["Attempt"] is row["AdmittedAt"] is None


def test_no_end_is_expected_of_what_waits_while_nothing_is_admitted(world: World) -> None:
    limit(world, 1)
    world.send(message("e-0"))
    world.send(message("e-1"))
    limit(world, 0)
    found = slots(world)
    assert found["Held"][0]["ExpectedEnd"] and found["Waiting"][0]["ExpectedEnd"] is None

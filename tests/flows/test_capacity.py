"""Capacity: what is used is told, and a change takes effect at once and stops nothing."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError

from snapshot_export.domain.admission import attempt_of
from snapshot_export.domain.export import LOST
from snapshot_export.domain.gate import decide_admission
from snapshot_export.errors import ConditionFailedError, TransientError
from snapshot_export.flows.export.admit import admit
from tests.support.api import call_api
from tests.support.messages import message
from tests.support.world import World


def capacity(world: World) -> dict[str, Any]:
    answer = call_api(world.services, "GET", "/capacity")
    assert answer.status == 200
    body: dict[str, Any] = answer.body
    return body


def change(world: World, **body: Any) -> dict[str, Any]:
    answer = call_api(world.services, "PUT", "/capacity", body)
    assert answer.status == 200, answer.body
    changed: dict[str, Any] = answer.body
    return changed


def send(world: World, count: int) -> None:
    for number in range(count):
        world.send(message(f"export-{number:02d}"))


def test_a_change_goes_on_when_admissions_are_at_the_gate(world: World) -> None:
    """DynamoDB refuses a write on an item that a transaction writes at that moment."""
    client: Any = world.services.store._table._client
    real, refusals = client.update_item, iter([True] * 3)

    def update_item(**request: Any) -> Any:
        if next(refusals, False):
            answer = {"Error": {"Code": "TransactionConflictException", "Message": ""}}
            raise ClientError(answer, "UpdateItem")  # type: ignore[arg-type]
        return real(**request)

    with patch.object(client, "update_item", update_item):
        assert change(world, Limit=7)["Limit"] == 7
    assert next(refusals, None) is None, "the conflicts were met"


def test_nothing_is_admitted_by_a_decision_from_before_a_pause(world: World) -> None:
    store, now = world.services.store, world.clock.now()
    store.change_gate({"limit": 0})
    send(world, 1)
    store.change_gate({"limit": None})
    decision = decide_admission(store.gate(), default_limit=12, now=now)
    entries = store.first_waiting(1, now)
    attempts = [attempt_of(entry, decision.limit, now) for entry in entries]
    store.change_gate({"paused_until": now + 600})
    with pytest.raises(ConditionFailedError):
        store.admit(decision.for_count(1), attempts, entries)
    assert store.gate().running == 0
    store.change_gate({"paused_until": None})
    store.admit(decision.for_count(1), attempts, entries)


def test_nothing_is_admitted_by_a_decision_from_before_others_took_slots(world: World) -> None:
    send(world, 12)
    send_more = [world.send(message(f"more-{number}")) for number in range(2)]
    assert len(send_more) == 2
    store, now = world.services.store, world.clock.now()
    record = store.attempt("export-00")
    other = store.attempt("export-01")
    assert record and other
    store.release(record, LOST, now, now)
    decision = decide_admission(store.gate(), default_limit=12, now=now)
    entries = store.first_waiting(1, now)
    attempts = [attempt_of(entry, decision.limit, now) for entry in entries]
    store.hand_back(other, world.export("export-01"), now)
    with pytest.raises(ConditionFailedError):
        store.admit(decision.for_count(1), attempts, entries)
    assert (store.gate().running, store.gate().ceiling) == (10, 10)


def test_an_idle_deployment_has_its_own_limit(world: World) -> None:
    assert capacity(world) == {
        "Target": "default",
        "Targets": ["default"],
        "Limit": 12,
        "ReservedSlots": 0,
        "Running": 0,
        "Waiting": 0,
        "WaitingIsAtLeast": False,
        "CompletedLastHour": 0,
        "PausedUntil": None,
        "Ceiling": None,
    }


def test_a_ceiling_is_shown_while_it_holds_exports_back(world: World) -> None:
    send(world, 12)
    export = world.export("export-00")
    attempt = world.services.store.attempt("export-00")
    assert attempt
    world.services.store.hand_back(attempt, export, world.clock.now())
    assert capacity(world)["Ceiling"] == 11
    assert change(world, Limit=8)["Ceiling"] is None
    assert change(world, Limit=12)["Ceiling"] == 11
    world.clock.sleep(60)
    assert capacity(world)["Ceiling"] is None


def test_running_waiting_and_completed_are_counted(world: World) -> None:
    send(world, 15)
    shown = capacity(world)
    assert (shown["Running"], shown["Waiting"]) == (12, 3)
    world.driver.run()
    shown = capacity(world)
    assert (shown["Running"], shown["Waiting"], shown["CompletedLastHour"]) == (0, 0, 15)
    world.clock.sleep(3700)
    assert capacity(world)["CompletedLastHour"] == 0


def test_retries_wait_too_and_failures_are_not_completed(world: World) -> None:
    world.switch("fail_job", SnapshotJobId="export-00", ErrorType="INTERNAL_FAILURE")
    send(world, 1)
    while world.services.store.gate().running:
        world.driver.run(until=world.clock.now() + 1)
    while not capacity(world)["Waiting"]:
        world.driver.run(until=world.clock.now() + 1)
    assert capacity(world)["CompletedLastHour"] == 0


def test_many_that_wait_are_counted_up_to_a_bound(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapshot_export.flows.capacity.MAX_COUNTED", 2)
    send(world, 16)
    shown = capacity(world)
    assert (shown["Waiting"], shown["WaitingIsAtLeast"]) == (2, True)


def test_a_raised_limit_lets_in_at_once_and_null_sets_it_back(world: World) -> None:
    send(world, 20)
    assert change(world, Limit=14)["Running"] == 14
    back = change(world, Limit=None)
    assert (back["Limit"], back["Running"]) == (12, 14), "what runs is not stopped"


def test_a_limit_of_0_admits_nothing_until_it_is_raised(world: World) -> None:
    change(world, Limit=0)
    send(world, 3)
    assert capacity(world)["Running"] == 0
    body = call_api(world.services, "GET", "/exports/export-00").body
    assert (body["Status"], body["Place"], body["ExpectedEnd"]) == ("QUEUED", 1, None)
    assert change(world, Limit=2)["Running"] == 2


def test_slots_are_reserved_and_given_back_live(world: World) -> None:
    change(world, ReservedSlots=3)
    send(world, 14)
    assert capacity(world)["Running"] == 9
    world.driver.run(until=world.clock.now() + 90)
    assert world.ledger()["summary"]["peak_running"] == 9
    assert change(world, ReservedSlots=None)["ReservedSlots"] == 0


def test_what_runs_in_a_reserve_drains_and_the_rest_goes_on(world: World) -> None:
    send(world, 20)
    assert change(world, ReservedSlots=4)["Running"] == 12
    while capacity(world)["Waiting"] == 8:
        world.driver.run(until=world.clock.now() + 1)
    assert capacity(world)["Running"] == 8, "nothing was admitted before four had ended"
    world.driver.run()
    assert world.ledger()["summary"]["jobs_started"] == 20


def test_an_admission_that_did_not_see_the_reserve_is_decided_anew(world: World) -> None:
    """Between its reading of the gate and its write somebody reserves slots."""
    change(world, Limit=0)
    send(world, 12)
    world.services.store.change_gate({"limit": None})
    read, gate = world.services.store.gate, world.services.store.gate()

    def reserve_then_tell_the_gate_before() -> Any:
        if read().reserved is None:
            world.services.store.change_gate({"reserved": 5})
            return gate
        return read()

    with patch.object(world.services.store, "gate", reserve_then_tell_the_gate_before):
        assert admit(world.services) == 7


@pytest.mark.parametrize(
    ("body", "field", "told"),
    [
        ({"ReservedSlots": 12}, "ReservedSlots", "must be less than the limit, 12"),
        ({"ReservedSlots": 3, "Limit": 3}, "ReservedSlots", "must be less than the limit, 3"),
        ({"Limit": 2}, "Limit", "must be above the reserved slots, 2, or 0"),
    ],
)
def test_a_reserve_leaves_a_slot_unless_the_limit_is_0(
    world: World, body: dict[str, Any], field: str, told: str
) -> None:
    change(world, ReservedSlots=2)
    answer = call_api(world.services, "PUT", "/capacity", body)
    assert answer.status == 400
    assert [(each["Field"], each["Rule"]) for each in answer.body["Problems"]] == [(field, told)]
    assert change(world, Limit=0)["ReservedSlots"] == 2
    assert change(world, Limit=None, ReservedSlots=11)["Limit"] == 12


def test_a_pause_admits_nothing_and_its_end_by_hand_admits_at_once(world: World) -> None:
    paused = change(world, PausedUntil="2099-01-01T01:00:00+01:00")
    assert paused["PausedUntil"] == "2099-01-01T00:00:00.000Z"
    send(world, 3)
    assert capacity(world)["Running"] == 0
    assert change(world, Limit=5)["PausedUntil"] == "2099-01-01T00:00:00.000Z", "as it was"
    resumed = change(world, PausedUntil=None)
    assert (resumed["PausedUntil"], resumed["Running"], resumed["Limit"]) == (None, 3, 5)


def test_a_pause_of_the_past_is_none(world: World) -> None:
    assert change(world, PausedUntil="2020-01-01T00:00:00Z")["PausedUntil"] is None
    send(world, 1)
    assert capacity(world)["Running"] == 1


def test_the_last_moment_there_is_can_be_told(world: World) -> None:
    shown = change(world, PausedUntil="9999-12-31T23:59:59.999999Z")
    assert shown["PausedUntil"] == "9999-12-31T23:59:59.000Z"


def test_an_empty_change_changes_nothing(world: World) -> None:
    assert change(world)["Limit"] == 12


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"Limit": 1001}, "Limit"),
        ({"Limit": -1}, "Limit"),
        ({"ReservedSlots": -1}, "ReservedSlots"),
        ({"ReservedSlots": 1.5}, "ReservedSlots"),
        ({"Limit": 2.5}, "Limit"),
        ({"Limit": "12"}, "Limit"),
        ({"Limit": True}, "Limit"),
        ({"PausedUntil": "tomorrow"}, "PausedUntil"),
        ({"PausedUntil": "9999-12-31T23:59:59-01:00"}, "PausedUntil"),
        ({"PausedUntil": "0001-01-01T00:00:00+01:00"}, "PausedUntil"),
        ({"PausedUntil": "2027-01-01T00:00:00"}, "PausedUntil"),
        ({"PausedUntil": 1_900_000_000}, "PausedUntil"),
        ({"limit": 3}, "limit"),
        ("[]", "body"),
        ("{", "body"),
        ("", "body"),
    ],
)
def test_a_change_that_breaks_a_rule_is_400_by_name(world: World, body: Any, field: str) -> None:
    answer = call_api(world.services, "PUT", "/capacity", body)
    assert (answer.status, answer.body["Code"]) == (400, "INVALID_REQUEST")
    assert [problem["Field"] for problem in answer.body["Problems"]] == [field]
    assert capacity(world)["Limit"] == 12


def test_an_export_ends_though_it_could_not_be_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_now: float, _overheads: object) -> None:
        raise TransientError("DynamoDB: ThrottlingException")

    monkeypatch.setattr(world.services.throughput, "count_completed", fail)
    send(world, 1)
    world.driver.run()
    assert world.export("export-00").status == "COMPLETED"

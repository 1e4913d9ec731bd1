"""Deadlines that will probably be missed are announced early, once, and only those."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from snapshot_export.errors import TransientError
from snapshot_export.flows.periodic.warn import warn_of_deadlines
from tests.support.bursts import burst, recipient
from tests.support.messages import message
from tests.support.world import World

DOCS = Path(__file__).resolve().parents[2] / "docs" / "events"
DASHBOARD = "sales-overview"


@pytest.fixture
def warnings(world: World, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Details of the warnings sent so far, each valid by its schema."""
    found: list[dict[str, Any]] = []

    def put_events(Entries: list[dict[str, Any]]) -> dict[str, Any]:
        for entry in Entries:
            if "At Risk" in entry["DetailType"]:
                name = entry["DetailType"].lower().replace(" ", "-")
                detail = json.loads(entry["Detail"])
                schema = json.loads((DOCS / f"{name}.json").read_text(encoding="utf-8"))
                Draft202012Validator(schema).validate(detail)
                found.append(detail)
        return {"FailedEntryCount": 0, "Entries": []}

    monkeypatch.setattr(world.services.events._client, "put_events", put_events)
    for _ in range(12):
        world.services.durations.learn(DASHBOARD, "PDF", 30)
    return found


def later(world: World, seconds: float) -> str:
    return datetime.fromtimestamp(world.clock.now() + seconds, UTC).isoformat()


def test_a_burst_that_cannot_keep_its_deadline_is_told_before_it_once(
    world: World, warnings: list[dict[str, Any]]
) -> None:
    """60 exports of 30 s on 12 slots take 150 s and more."""
    people = [recipient(number) for number in range(60)]
    world.send({"Burst": burst("late", people, Deadline=later(world, 100))})
    world.work_on_bursts()
    assert warn_of_deadlines(world.services).announced == 1
    (warning,) = warnings
    assert warning["BurstId"] == "late" and warning["ChanceToMeetDeadline"] < 0.5
    deadline = datetime.fromisoformat(warning["Deadline"]).timestamp()
    assert world.clock.now() < deadline < datetime.fromisoformat(warning["FinishP50"]).timestamp()
    world.clock.sleep(60)
    assert warn_of_deadlines(world.services).announced == 0
    assert len(warnings) == 1


def test_what_will_be_kept_and_what_has_no_deadline_is_not_told(
    world: World, warnings: list[dict[str, Any]]
) -> None:
    people = [recipient(number) for number in range(40)]
    world.send({"Burst": burst("fine", people, Deadline=later(world, 900))})
    world.send(message("free"))
    world.send(message("single", Deadline=later(world, 900)))
    world.work_on_bursts()
    assert warn_of_deadlines(world.services).announced == 0 and warnings == []


def test_a_deadline_that_was_safe_is_told_when_the_slots_are_paused(
    world: World, warnings: list[dict[str, Any]]
) -> None:
    people = [recipient(number) for number in range(24)]
    world.send({"Burst": burst("b", people, Deadline=later(world, 400))})
    world.work_on_bursts()
    assert warn_of_deadlines(world.services).announced == 0
    world.services.store.change_gate({"paused_until": world.clock.now() + 600})
    assert warn_of_deadlines(world.services).announced == 1


def test_single_exports_are_told_each_whether_they_run_or_wait(
    world: World, warnings: list[dict[str, Any]]
) -> None:
    for number in range(14):
        world.send(message(f"e-{number}", Deadline=later(world, 10)))
    assert warn_of_deadlines(world.services).announced == 14
    assert {warning["ExportId"] for warning in warnings} == {f"e-{n}" for n in range(14)}
    assert world.export("e-0").at_risk_at is not None
    assert warn_of_deadlines(world.services).announced == 0
    world.driver.run()
    assert world.export("e-13").status == "COMPLETED"
    assert len(warnings) == 14


def test_a_mark_stays_when_a_waiting_export_is_let_in(
    world: World, warnings: list[dict[str, Any]]
) -> None:
    world.services.store.change_gate({"limit": 0})
    world.send(message("e", Deadline=later(world, 10)))
    world.services.store.change_gate({"limit": 12, "paused_until": world.clock.now() + 60})
    assert warn_of_deadlines(world.services).announced == 1
    world.clock.sleep(61)
    world.driver.run(until=world.clock.now() + 61)
    attempt = world.services.store.attempt("e")
    assert attempt is not None and attempt.at_risk
    assert warn_of_deadlines(world.services).announced == 0


def test_a_warning_that_was_not_taken_is_sent_again(
    world: World, warnings: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.send(message("e", Deadline=later(world, 1)))

    def fail(*_: object) -> None:
        raise TransientError("PutEvents: InternalException")

    with monkeypatch.context() as broken:
        broken.setattr(world.services.events, "announce_export_at_risk", fail)
        assert warn_of_deadlines(world.services).announced == 0
    with monkeypatch.context() as broken:
        broken.setattr(world.services.store, "mark_at_risk", fail)
        assert warn_of_deadlines(world.services).announced == 0
    assert warn_of_deadlines(world.services).announced == 1
    assert [warning["EventId"] for warning in warnings] == [
        f"e-{world.export('e').nonce}-at-risk"
    ] * 2


def test_a_pass_reads_and_tells_no_more_than_its_bounds(
    world: World, warnings: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapshot_export.flows.periodic.warn.MAX_READ", 20)
    monkeypatch.setattr("snapshot_export.flows.periodic.warn.MAX_ANNOUNCED", 5)
    for number in range(40):
        world.send(message(f"e-{number:02d}", Deadline=later(world, 1)))
    passes = [warn_of_deadlines(world.services).announced for _ in range(8)]
    assert passes == [5, 5, 5, 5, 5, 5, 2, 0], "12 run, the first 20 of those that wait"


def test_a_burst_is_judged_by_all_its_exports_not_by_those_that_were_read(
    world: World, warnings: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapshot_export.flows.periodic.warn.MAX_READ", 12)
    people = [recipient(number) for number in range(96)]
    world.send({"Burst": burst("b", people, Deadline=later(world, 150))})
    world.work_on_bursts()
    assert warn_of_deadlines(world.services).announced == 1, "24 are done in time, 96 are not"

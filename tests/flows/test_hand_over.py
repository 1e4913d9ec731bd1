"""A slot that came free goes to the next export within the check that saw the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from snapshot_export.domain.export import Attempt, Status
from tests.flows.test_registered_users import content, request
from tests.flows.test_slots import send_many, set_gate
from tests.support.messages import message, visuals_group
from tests.support.rows import customers_in
from tests.support.world import World

START = "StartDashboardSnapshotJob"


@pytest.fixture
def one_slot(world: World) -> World:
    set_gate(world, "limit", 1)
    return world


def starts(world: World, outcome: str) -> int:
    calls = world.ledger()["calls"]
    return [call["outcome"] for call in calls if call["operation"] == START].count(outcome)


@pytest.fixture
def jobs_at_execution(one_slot: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many jobs had been started when each export's execution was."""
    seen: dict[str, int] = {}
    begin: Callable[[Attempt, str], None] = one_slot.executions.start

    def note(attempt: Attempt, target: str) -> None:
        seen[attempt.export_id] = one_slot.ledger()["summary"]["jobs_started"]
        begin(attempt, target)

    monkeypatch.setattr(one_slot.executions, "start", note)
    return seen


def test_the_next_job_is_started_before_its_execution(
    one_slot: World, jobs_at_execution: dict[str, int]
) -> None:
    send_many(one_slot, 3)
    one_slot.driver.run()
    assert jobs_at_execution == {"export-000": 0, "export-001": 2, "export-002": 3}
    assert starts(one_slot, "OK") == 3
    assert {one_slot.export(f"export-00{n}").status for n in range(3)} == {Status.COMPLETED}


def test_of_several_exports_the_first_is_started_here_and_each_execution_once(
    one_slot: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit was raised while a job ran: its end admits three."""
    begun: list[tuple[str, list[str]]] = []
    begin = one_slot.executions.start

    def note(attempt: Attempt, target: str) -> None:
        jobs = [job["SnapshotJobId"][: len(attempt.export_id)] for job in one_slot.ledger()["jobs"]]
        begun.append((attempt.export_id, jobs))
        begin(attempt, target)

    one_slot.switch("job_seconds", seconds=20, times=9)
    send_many(one_slot, 4)
    one_slot.driver.run(until=one_slot.clock.now() + 5)
    set_gate(one_slot, "limit", 3)
    monkeypatch.setattr(one_slot.executions, "start", note)
    one_slot.driver.run()
    assert begun == [
        ("export-002", ["export-000"]),
        ("export-003", ["export-000"]),
        ("export-001", ["export-000", "export-001"]),
    ]
    assert starts(one_slot, "OK") == 4


def test_a_refusal_at_the_hand_over_is_not_repeated_by_the_execution(one_slot: World) -> None:
    one_slot.switch("job_seconds", seconds=20)
    send_many(one_slot, 2)
    begun = one_slot.clock.now()
    one_slot.driver.run(until=begun + 2)
    one_slot.quicksight.emulator.occupy(12, 28.0)
    one_slot.driver.run(until=begun + 29)
    assert starts(one_slot, "LimitExceededException") == 1
    assert one_slot.export("export-001").status is Status.QUEUED
    one_slot.driver.run(until=begun + 120, reconcile_every=1e6)
    assert one_slot.export("export-001").status is Status.COMPLETED
    assert one_slot.export("export-001").attempt == 1


def test_a_lost_answer_at_the_hand_over_is_adopted_by_the_execution(one_slot: World) -> None:
    send_many(one_slot, 2)
    one_slot.driver.run(until=one_slot.clock.now() + 2)
    one_slot.switch("lose_response", Operation=START)
    one_slot.driver.run()
    assert one_slot.export("export-001").status is Status.COMPLETED
    assert [job["starts"] for job in one_slot.ledger()["jobs"]] == [1, 1]


def test_the_next_job_is_not_started_as_the_user_of_the_one_before(one_slot: World) -> None:
    one_slot.send(request("two", UserName="manager-2"))
    group = visuals_group("CSV", "lines")
    one_slot.send(message("anonymous", customer="cust-0005", groups=[group]))
    one_slot.send(request("three", UserName="manager-3"))
    one_slot.driver.run()
    shown = {each: customers_in(content(one_slot, each), "CSV") for each in ("two", "three")}
    assert customers_in(content(one_slot, "anonymous"), "CSV") == {"cust-0005"}
    assert shown["two"] and shown["three"] and not shown["two"] & shown["three"]
    assert {call["outcome"] for call in one_slot.ledger()["calls"]} == {"OK"}

"""Drift is seen: each kind a finding of the pass, a metric of every pass, and a line with ids.

And slots outlive their executions: what an aborted, a timed-out and a redriven execution may do.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from snapshot_export.adapters.measuring import measure
from snapshot_export.adapters.table.dynamodb import update_of
from snapshot_export.domain import polling
from snapshot_export.domain.drift import STALLED_SECONDS, Drift
from snapshot_export.domain.export import Status
from snapshot_export.errors import TransientError
from snapshot_export.flows.periodic import reconcile as flow
from snapshot_export.flows.periodic.reconcile import reconcile
from snapshot_export.handlers import reconcile as handler
from tests.support.messages import message
from tests.support.world import World

HOUR = 3600.0


def amounts(world: World) -> dict[str, int]:
    return {finding.kind.value: finding.amount for finding in reconcile(world.services).findings}


def change_counter(world: World, running: int) -> None:
    world.services.store._table.update(
        update_of(world.keys.gate, "SET running = :wrong", values={":wrong": running})
    )


def set_limit(world: World, limit: int) -> None:
    world.services.store.change_gate({"limit": limit})


def written(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, float]:
    """The metrics of one pass, as they lie in the function's output for CloudWatch."""
    world.measure = measure
    monkeypatch.setattr(handler, "services_from_env", lambda: world.services)
    capsys.readouterr()
    handler.handler({"detail-type": "Scheduled Event"}, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[0] == "{"]
    found: dict[str, float] = {}
    for embedded in [line for line in lines if "_aws" in line]:
        (told,) = embedded["_aws"]["CloudWatchMetrics"]
        found |= {metric["Name"]: embedded[metric["Name"]][0] for metric in told["Metrics"]}
    return found


def test_a_quiet_pass_writes_what_an_alarm_or_a_reader_misses_without_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = written(world, monkeypatch, capsys)
    assert found == {
        "BacklogStalled": 0,
        "SlotsInUse": 0,
        "SlotsAllowed": 12,
        "SlotLimit": 12,
        "ExportsWaiting": 0,
    }


def test_a_counter_changed_by_hand_is_told_and_set_right(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.send(message("counted"))
    change_counter(world, 7)
    found = written(world, monkeypatch, capsys)
    assert (found["GateDrift"], found["MendedCounterCorrected"]) == (6, 1)
    assert "GateDrift" not in written(world, monkeypatch, capsys)


def test_a_backlog_that_nobody_lets_in_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limit(world, 0)
    world.send(message("waits"))
    assert amounts(world) == {}, "the limit is why it waits"
    set_limit(world, 5)
    world.clock.sleep(STALLED_SECONDS)
    with monkeypatch.context() as broken:
        broken.setattr(flow, "admit", lambda _services: 0)
        assert amounts(world) == {"BacklogStalled": 1}
        world.services.store.change_gate({"paused_until": world.clock.now() + HOUR})
        assert amounts(world) == {}, "the pause is why it waits"
    world.services.store.change_gate({"paused_until": None})
    assert amounts(world) == {}, "the pass itself let it in"


def test_a_job_that_never_ends_is_told_and_keeps_its_slot(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.switch("hang_job")
    world.send(message("endless"))
    world.driver.run(until=world.clock.now() + 0.4 * HOUR)
    assert amounts(world) == {}
    world.driver.run(until=world.clock.now() + HOUR)
    assert amounts(world) == {"LeaseOverdue": 1}
    (*_, line) = [record for record in caplog.records if record.message == "lease overdue"]
    told: dict[str, Any] = vars(line)
    assert (told["export_id"], told["held_seconds"] > HOUR) == ("endless", True)
    assert world.services.store.gate().running == 1
    assert world.export("endless").status is Status.RUNNING


def test_a_job_that_outlives_its_execution_gets_another_which_goes_on_asking(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine's TimeoutSeconds, 6 h: the execution ends, the job does not."""
    world.switch("hang_job")
    world.send(message("endless"))
    monkeypatch.setattr(polling, "LONGEST_WAIT", 600.0)
    world.driver.run(until=world.clock.now() + 6 * HOUR, reconcile_every=600.0)
    world.driver.abort("endless")
    world.driver.run(until=world.clock.now() + HOUR)
    attempt = world.services.store.attempt("endless")
    assert attempt is not None
    assert (attempt.restarts, attempt.holds_slot, attempt.attempt) == (1, True, 1)
    world.quicksight.emulator.clear_switches()
    world.driver.run()
    assert world.export("endless").status is Status.COMPLETED
    assert [job["starts"] for job in world.ledger()["jobs"]] == [1]
    assert sorted(world.driver.ends.values()) == ["ABORTED", "DONE"]


def test_a_lease_whose_execution_polls_no_more_is_freed_when_quicksight_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The execution is there for Step Functions, and does nothing."""
    world.send(message("stuck"))
    world.driver.run(until=world.clock.now() + 5)
    world.driver._queue.clear()
    world.clock.sleep(HOUR)
    done = reconcile(world.services)
    assert (done.leases_released, done.executions_restarted) == (1, 0)
    assert [finding.kind for finding in done.findings] == [Drift.LEASE_OVERDUE]
    assert world.services.store.gate().running == 0
    assert amounts(world) == {}


def test_trouble_in_asking_about_a_lease_stops_no_pass(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.switch("hang_job")
    world.send(message("endless"))
    world.driver.run(until=world.clock.now() + HOUR)

    def fail(*_: object) -> None:
        raise TransientError("down")

    monkeypatch.setattr("snapshot_export.flows.periodic.find_drift.check", fail)
    assert amounts(world) == {"LeaseOverdue": 1}


@pytest.mark.parametrize("state", ["StartSnapshot", "DescribeSnapshot", "CollectFiles"])
def test_a_redriven_execution_that_holds_no_lease_does_no_harm(world: World, state: str) -> None:
    """Step Functions' RedriveExecution repeats a state of an execution that is over."""
    world.send(message("first"))
    world.driver.run()
    assert world.export("first").status is Status.COMPLETED
    world.send(message("second"))
    before = (
        world.export("first"),
        world.services.store.gate().running,
        len(world.ledger()["jobs"]),
    )
    answer = world.driver.STATES[state](world.services, "first", 1, 1)
    assert answer["Phase"] == "DONE"
    after = (
        world.export("first"),
        world.services.store.gate().running,
        len(world.ledger()["jobs"]),
    )
    assert after == before
    world.driver.run()
    assert world.export("second").status is Status.COMPLETED


def test_a_redriven_execution_of_an_admission_before_leaves_the_present_one_alone(
    world: World,
) -> None:
    world.switch("fail_job", ErrorType="INTERNAL_FAILURE")
    world.send(message("again"))
    world.driver.run(until=world.clock.now() + 600)
    world.switch("hang_job")
    world.send(message("other"))
    seen = world.services.store.in_flight()
    for state in world.driver.STATES.values():
        assert state(world.services, "again", 1, 1)["Phase"] in ("DONE", "FAILED")
    assert world.services.store.in_flight() == seen

"""Executions that end too early, or run once too often: the slot is QuickSight's to free."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.deployed import Deployed
from tests.support.messages import message

RESTARTED_WITHIN = 120.0
"""The reconciler leaves what is new alone for 20 s, and looks each minute."""


def wait_for(value: Callable[[], Any], within: float = 60.0) -> Any:
    """The value once it is true."""
    deadline = time.monotonic() + within
    while not (found := value()):
        assert time.monotonic() < deadline, f"not so within {within} s"
        time.sleep(0.2)
    return found


def lease_of(stack: Deployed, export_id: str) -> dict[str, Any] | None:
    return next((each for each in stack.leases() if each["sk"] == f"ATTEMPT#{export_id}"), None)


def started_lease(stack: Deployed, export_id: str) -> dict[str, Any] | None:
    """The lease of an export whose snapshot job runs."""
    lease = lease_of(stack, export_id)
    return lease if lease and lease.get("started_at") else None


def status_of(stack: Deployed, name: str) -> str:
    arn = stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    return status_at(stack, f"{arn}:{name}")


def status_at(stack: Deployed, arn: str) -> str:
    status: str = stack.client("stepfunctions").describe_execution(executionArn=arn)["status"]
    return status


def start_by_hand(stack: Deployed, name: str, export_id: str, admission: int) -> None:
    """Start an execution as a redrive or a second delivery would."""
    ids = {"ExportId": export_id, "Attempt": 1, "Admission": admission}
    stack.client("stepfunctions").start_execution(
        stateMachineArn=stack.outputs["StateMachineArn"], name=name, input=json.dumps(ids)
    )


def hang(stack: Deployed, *export_ids: str) -> None:
    """Let the snapshot jobs of exports run until the switches are cleared."""
    for export_id in export_ids:
        stack.switch({"kind": "hang_job", "SnapshotJobId": f"{export_id}-"})


def starts_of(stack: Deployed, export_id: str) -> list[int]:
    jobs = stack.ledger()["jobs"]
    return [job["starts"] for job in jobs if job["SnapshotJobId"].startswith(f"{export_id}-")]


@contextmanager
def timing_out_after(stack: Deployed, seconds: int) -> Iterator[None]:
    """Executions that begin meanwhile get this timeout instead of the machine's six hours."""
    states, arn = stack.client("stepfunctions"), stack.outputs["StateMachineArn"]
    definition = states.describe_state_machine(stateMachineArn=arn)["definition"]
    shorter = json.loads(definition) | {"TimeoutSeconds": seconds}
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(shorter))
    try:
        yield
    finally:
        states.update_state_machine(stateMachineArn=arn, definition=definition)


@pytest.mark.nightly
def test_an_aborted_and_a_timed_out_execution_keep_their_slots_until_quicksight_ends_the_jobs(
    deployed: Deployed,
) -> None:
    names = ("aborted", "timed-out")
    hang(deployed, *names)
    with timing_out_after(deployed, 6):
        deployed.send(message("timed-out"))
        wait_for(lambda: started_lease(deployed, "timed-out"))
    deployed.send(message("aborted"))
    wait_for(lambda: started_lease(deployed, "aborted"))
    aborted, timed_out = map(deployed.execution_arn, names)
    deployed.client("stepfunctions").stop_execution(executionArn=aborted)

    wait_for(lambda: status_at(deployed, timed_out) == "TIMED_OUT")
    assert status_at(deployed, aborted) == "ABORTED"

    def both_watched_again() -> bool:
        leases = [lease_of(deployed, name) for name in names]
        assert all(leases), "a slot was freed while its job ran"
        assert deployed.gate()["running"] == 2
        return all(lease and lease["restarts"] for lease in leases)

    wait_for(both_watched_again, RESTARTED_WITHIN)
    assert [starts_of(deployed, name) for name in names] == [[1], [1]]
    deployed.clear_switches()
    for name in names:
        assert deployed.wait_for_export(name)["status"] == "COMPLETED"
    assert [starts_of(deployed, name) for name in names] == [[1], [1]]
    assert deployed.gate()["running"] == 0 and deployed.leases() == []


def test_an_execution_of_an_export_that_has_ended_changes_nothing(deployed: Deployed) -> None:
    deployed.send(message("over"))
    before = deployed.wait_for_export("over")

    start_by_hand(deployed, "over-again", "over", admission=1)

    wait_for(lambda: status_of(deployed, "over-again") == "SUCCEEDED")
    assert deployed.exports(["over"])["over"] == before
    assert starts_of(deployed, "over") == [1]
    assert deployed.gate()["running"] == 0


@pytest.mark.nightly
def test_an_execution_of_an_earlier_admission_frees_no_slot(deployed: Deployed) -> None:
    hang(deployed, "handed-back")
    deployed.occupy(12)
    deployed.send(message("handed-back"))
    wait_for(lambda: deployed.exports(["handed-back"]).get("handed-back", {}).get("admission") == 1)
    wait_for(lambda: lease_of(deployed, "handed-back") is None)
    deployed.occupy(0)
    lease = wait_for(lambda: started_lease(deployed, "handed-back"), RESTARTED_WITHIN)
    assert lease["admission"] > 1

    start_by_hand(deployed, "handed-back-late", "handed-back", admission=1)
    start_by_hand(deployed, "handed-back-twin", "handed-back", admission=int(lease["admission"]))

    wait_for(lambda: status_of(deployed, "handed-back-late") == "SUCCEEDED")
    assert lease_of(deployed, "handed-back") == lease
    assert deployed.gate()["running"] == 1
    deployed.clear_switches()
    assert deployed.wait_for_export("handed-back")["status"] == "COMPLETED"
    wait_for(lambda: status_of(deployed, "handed-back-twin") == "SUCCEEDED")
    assert starts_of(deployed, "handed-back") == [1]
    assert deployed.gate()["running"] == 0 and deployed.leases() == []

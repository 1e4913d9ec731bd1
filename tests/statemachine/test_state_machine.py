"""The definition of statemachine/, run: every route, retry and catch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from snapshot_export.errors import SnapshotExportError
from snapshot_export.handlers import step
from tests.statemachine.machine import DEFINITION, Machine, Turn, error, phase
from tests.statemachine.scripted_function import SECRET

POLL = ["WaitForSnapshot", "DescribeSnapshot", "RouteSnapshot"]
STATE_OF_STEP = {
    "Start": "StartSnapshot",
    "Describe": "DescribeSnapshot",
    "Collect": "CollectFiles",
}
SERVICE_ERRORS = (
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
)
WORKS: dict[str, Turn] = {
    "start": phase("RUNNING"),
    "describe": phase("ENDED"),
    "collect": phase("DONE"),
}
ATTEMPTS = 6


def script(step: str, *turns: Turn) -> dict[str, Any]:
    """Let one step take these turns, and the others work."""
    return {step.lower(): turns}


def test_an_export_of_three_polls_enters_13_states_and_succeeds(machine: Machine) -> None:
    execution = machine.run(describe=[phase("RUNNING"), phase("RUNNING"), phase("ENDED")])

    assert execution.states == [
        "StartSnapshot",
        *POLL,
        *POLL,
        *POLL,
        "CollectFiles",
        "RouteSnapshot",
        "AttemptDone",
    ]
    assert execution.status == "SUCCEEDED"
    assert len(execution.states) == 13
    assert len(execution.states) <= 15


def test_a_wait_lasts_as_long_as_the_answer_before_it_says(machine: Machine) -> None:
    execution = machine.run(
        start=[phase("RUNNING", wait=600)], describe=[phase("RUNNING", wait=0), phase("ENDED")]
    )

    first, second = execution.waits
    assert first >= 0.6
    assert second < 0.3


def test_an_attempt_that_was_not_started_is_started_again(machine: Machine) -> None:
    execution = machine.run(
        start=[phase("NOT_STARTED", wait=3), phase("RUNNING")],
        describe=[phase("NOT_STARTED"), phase("ENDED")],
    )

    assert execution.states == [
        "StartSnapshot",
        *POLL,
        "StartSnapshot",
        *POLL,
        "CollectFiles",
        "RouteSnapshot",
        "AttemptDone",
    ]
    assert execution.status == "SUCCEEDED"


def test_an_export_back_in_the_backlog_waits_and_asks_the_describe_step(machine: Machine) -> None:
    execution = machine.run(
        start=[phase("WAITING", wait=30)], describe=[phase("WAITING", wait=30), phase("DONE")]
    )

    assert execution.states == ["StartSnapshot", *POLL, *POLL, "AttemptDone"]
    assert execution.status == "SUCCEEDED"


def test_another_attempt_that_is_due_after_collecting_is_waited_for(machine: Machine) -> None:
    execution = machine.run(
        describe=[phase("ENDED"), phase("DONE")], collect=[phase("WAITING", wait=60)]
    )

    assert execution.states == [
        "StartSnapshot",
        *POLL,
        "CollectFiles",
        "RouteSnapshot",
        *POLL,
        "AttemptDone",
    ]
    assert execution.status == "SUCCEEDED"


def test_nothing_left_to_do_ends_the_execution_without_collecting(machine: Machine) -> None:
    execution = machine.run(start=[phase("DONE")], describe=[phase("DONE")])

    assert execution.states == ["StartSnapshot", *POLL, "AttemptDone"]
    assert execution.status == "SUCCEEDED"
    assert not execution.calls["Collect"]


@pytest.mark.parametrize("step", ["Describe", "Collect"])
def test_a_failed_export_fails_the_execution_with_its_code(machine: Machine, step: str) -> None:
    failed = phase("FAILED", ErrorCode="DATASET_DELETED")
    execution = machine.run(**script(step, failed))

    assert execution.states[-1] == "ExportFailed"
    assert (execution.status, execution.error) == ("FAILED", "DATASET_DELETED")


@pytest.mark.parametrize("step", ["Describe", "Collect"])
@pytest.mark.parametrize(
    "turn", [phase("SLEEPING"), {"Answer": {"ExportId": "e"}}, {"Answer": None}, {"Answer": "DONE"}]
)
def test_an_answer_without_a_known_phase_is_a_failure(
    machine: Machine, step: str, turn: Turn
) -> None:
    execution = machine.run(**script(step, turn))

    assert execution.states[-1] == "StepFailed"
    assert (execution.status, execution.error) == ("FAILED", "UnknownPhase")
    assert execution.cause == "RouteSnapshot"


def test_a_start_that_does_not_say_how_long_to_wait_is_a_failure(machine: Machine) -> None:
    execution = machine.run(start=[{"Answer": None}])

    assert execution.status == "FAILED"
    assert not execution.calls["Describe"]


@pytest.mark.parametrize("step", STATE_OF_STEP)
@pytest.mark.parametrize("name", ["TransientError", "Lambda.TooManyRequestsException"])
def test_an_error_that_passes_is_retried_and_forgotten(
    machine: Machine, step: str, name: str
) -> None:
    works = WORKS[step.lower()]
    execution = machine.run(**script(step, error(name), error(name), works))

    assert execution.status == "SUCCEEDED"
    assert len(execution.calls[step]) == 3
    assert len(execution.states) == 7


@pytest.mark.parametrize("step", STATE_OF_STEP)
def test_a_permanent_error_is_not_retried_and_fails_with_step_and_name(
    machine: Machine, step: str
) -> None:
    execution = machine.run(**script(step, error("PermanentError")))

    assert len(execution.calls[step]) == 1
    assert execution.states[-2:] == [STATE_OF_STEP[step], "StepFailed"]
    assert execution.status == "FAILED"
    assert (execution.error, execution.cause) == ("PermanentError", STATE_OF_STEP[step])


@pytest.mark.parametrize("step", STATE_OF_STEP)
@pytest.mark.parametrize("name", ["TransientError", "KeyError", SERVICE_ERRORS[0]])
def test_an_error_that_stays_is_given_up_and_fails_with_step_and_name(
    machine: Machine, step: str, name: str
) -> None:
    execution = machine.run(**script(step, error(name)))

    assert len(execution.calls[step]) == ATTEMPTS
    assert execution.states[-2:] == [STATE_OF_STEP[step], "StepFailed"]
    assert execution.status == "FAILED"
    assert (execution.error, execution.cause) == (name, STATE_OF_STEP[step])


def errors_of_ours(kind: type[SnapshotExportError] = SnapshotExportError) -> Iterator[Any]:
    for each in kind.__subclasses__():
        yield each
        yield from errors_of_ours(each)


@pytest.mark.parametrize("kind", [*errors_of_ours()], ids=lambda each: each.__name__)
def test_what_can_pass_is_retried_and_what_cannot_is_not(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, kind: type[SnapshotExportError]
) -> None:
    def fail(*_ids: object) -> Any:
        raise kind.__new__(kind)

    monkeypatch.setattr(step, "services_from_env", lambda: SimpleNamespace(for_target=id))
    event = {"ExportId": "any", "Attempt": 1, "Admission": 1}
    with pytest.raises(SnapshotExportError) as raised:
        step.step_handler(fail)(event, None)
    execution = machine.run(collect=[error(type(raised.value).__name__)])
    assert len(execution.calls["Collect"]) == (ATTEMPTS if kind.is_transient else 1)


@pytest.mark.parametrize("step", STATE_OF_STEP)
def test_functions_are_given_the_ids_of_the_execution_and_nothing_else(
    machine: Machine, step: str
) -> None:
    execution = machine.run(
        describe=[phase("RUNNING", wait=1), error("TransientError"), phase("ENDED")]
    )

    for event in execution.calls[step]:
        assert event == execution.ids


@pytest.mark.parametrize("step", ["Start", "Describe", "Collect"])
def test_functions_are_told_the_target_that_the_execution_was_started_with(
    machine: Machine, step: str
) -> None:
    execution = machine.run(target="partner")

    (event,) = execution.calls[step]
    assert event == execution.ids and event["Target"] == "partner"


def test_what_an_error_says_reaches_neither_a_state_nor_the_end_of_the_execution(
    machine: Machine,
) -> None:
    execution = machine.run(describe=[error("PermanentError")])

    assert SECRET not in json.dumps(execution.documents)
    assert SECRET not in f"{execution.error} {execution.cause}"
    assert execution.documents[-1] == {"FailedStep": "DescribeSnapshot", "Error": "PermanentError"}


def test_states_hand_on_the_answers_document_alone(machine: Machine) -> None:
    execution = machine.run(describe=[phase("RUNNING", wait=7), phase("ENDED")])

    first, *others = execution.documents
    assert first == execution.ids
    for document in others:
        assert set(document) == {"ExportId", "Attempt", "Phase", "WaitSeconds"}


def test_every_task_has_a_timeout_a_retry_with_jitter_and_a_catch_and_so_has_the_machine() -> None:
    definition = json.loads(DEFINITION.read_text(encoding="utf-8"))

    assert definition["TimeoutSeconds"] == 6 * 3600
    for name, state in definition["States"].items():
        if state["Type"] != "Task":
            continue
        seconds = {"StartSnapshot": 70, "DescribeSnapshot": 130, "CollectFiles": 310}
        assert state["TimeoutSeconds"] == seconds[name], name
        for retrier in state["Retry"]:
            if retrier["MaxAttempts"]:
                assert retrier["JitterStrategy"] == "FULL", name
                assert retrier["MaxDelaySeconds"] == 30, name
        assert [catcher["ErrorEquals"] for catcher in state["Catch"]] == [["States.ALL"]], name

"""Switches by which a test makes the emulator misbehave."""

from typing import Any

import pytest

from local.quicksight import Emulator
from local.quicksight.api_request import ApiRequest
from local.quicksight.errors import SwitchError
from local.quicksight.service_model import START, load_operations
from tests.unit.quicksight_emulator.support import (
    PDF,
    SIGNED,
    Caller,
    Clock,
    groups_of,
    start_members,
    tabular,
)


def statuses(caller: Caller, *job_ids: str) -> list[str]:
    return [caller.describe(job_id).body["JobStatus"] for job_id in job_ids]


def test_a_failed_job_tells_its_error_and_no_result(caller: Caller, clock: Clock) -> None:
    error = {"ErrorType": "DATASET_DELETED", "ErrorMessage": "gone"}
    caller.emulator.add_switch({"kind": "fail_job", **error})
    caller.start("first")
    caller.start("second")
    clock.advance(1000)
    assert statuses(caller, "first", "second") == ["FAILED", "COMPLETED"]
    body = caller.result("first").body
    assert body["ErrorInfo"] == error
    assert "Result" not in body


def test_a_failed_file_leaves_the_others(caller: Caller, clock: Clock) -> None:
    error = {"ErrorType": "RLS_CHANGED", "ErrorMessage": "again"}
    caller.emulator.add_switch({"kind": "fail_file", "FileGroup": 1, "times": 2, **error})
    for job_id in ("a", "b", "c"):
        caller.start(job_id, files=(PDF, tabular("CSV")))
    clock.advance(1000)
    for job_id, failed in (("a", True), ("b", True), ("c", False)):
        answer = caller.result(job_id)
        pdf, table = groups_of(answer, (PDF, tabular("CSV")))
        assert answer.body["JobStatus"] == "COMPLETED"
        assert "S3Uri" in pdf["S3Results"][0]
        assert (table["S3Results"][0].get("ErrorInfo") == [error]) is failed


@pytest.mark.parametrize(
    ("fault", "formats", "results"),
    [
        ("MISSING", ["PDF"], [1]),
        ("REPEATED", ["CSV", "CSV", "PDF"], [1, 1, 1]),
        ("UNKNOWN", ["CSV", "PDF"], [1, 1]),
        ("TWO_RESULTS", ["CSV", "PDF"], [2, 1]),
    ],
)
def test_a_result_lists_its_files_wrongly(
    caller: Caller, clock: Clock, fault: str, formats: list[str], results: list[int]
) -> None:
    caller.emulator.add_switch({"kind": "wrong_result", "FileGroup": 1, "Fault": fault})
    caller.start(files=(PDF, tabular("CSV")))
    clock.advance(1000)
    groups = caller.result().body["Result"]["AnonymousUsers"][0]["FileGroups"]
    seen = sorted((group["Files"][0]["FormatType"], len(group["S3Results"])) for group in groups)
    assert seen == [*zip(formats, results, strict=True)]
    assert (tabular("CSV") in [group["Files"][0] for group in groups]) is (
        fault in ("REPEATED", "TWO_RESULTS")
    )


def test_a_hanging_job_keeps_its_slot_until_the_switches_are_cleared(
    caller: Caller, clock: Clock
) -> None:
    caller.emulator.add_switch({"kind": "hang_job"})
    caller.start()
    clock.advance(100_000)
    assert statuses(caller, "job-1") == ["RUNNING"]
    caller.emulator.clear_switches()
    assert statuses(caller, "job-1") == ["COMPLETED"]
    assert caller.emulator.ledger()["jobs"][0]["ended"] == clock.time


def test_a_lost_response_follows_an_operation_that_took_effect(
    caller: Caller, emulator: Emulator
) -> None:
    emulator.add_switch({"kind": "lose_response", "Operation": START})
    request = ApiRequest(
        operation=load_operations()[START], members=start_members(), authorization=SIGNED
    )
    assert emulator.call(request) is None
    assert statuses(caller, "job-1") == ["QUEUED"]
    assert [call["lost"] for call in emulator.ledger()["calls"]] == [True, False]


def test_a_raised_exception_has_no_effect(caller: Caller) -> None:
    raised = {"kind": "raise_exception", "Exception": "InternalFailureException", "times": 2}
    caller.emulator.add_switch(raised)
    assert [caller.start().status for _ in range(3)] == [500, 500, 200]
    assert caller.emulator.list_switches()[0]["fired"] == 2


def test_exact_seconds_are_not_scaled(caller: Caller, clock: Clock) -> None:
    caller.emulator.add_switch({"kind": "job_seconds", "seconds": 3.5})
    caller.start()
    clock.advance(3.5)
    assert statuses(caller, "job-1") == ["COMPLETED"]
    assert caller.emulator.ledger()["jobs"][0]["seconds"] == 3.5


def test_a_switch_applies_to_its_dashboard_and_id_prefix_only(caller: Caller, clock: Clock) -> None:
    where = {"DashboardId": "sales-overview", "SnapshotJobId": "bad-"}
    caller.emulator.add_switch({"kind": "fail_job", "times": 9, **where})
    caller.start("bad-1")
    caller.start("good-1")
    caller.start("bad-2", dashboard_id="open-invoices")
    clock.advance(1000)
    assert statuses(caller, "bad-1", "good-1") == ["FAILED", "COMPLETED"]
    assert (
        Caller(caller.emulator, dashboard_id="open-invoices").describe("bad-2").body["JobStatus"]
        == "COMPLETED"
    )


def test_somebody_elses_jobs_take_slots_for_a_while(caller: Caller, clock: Clock) -> None:
    caller.emulator.add_switch({"kind": "job_seconds", "seconds": 1000})
    caller.emulator.occupy(5, 60.0)
    caller.emulator.occupy(6)
    assert caller.start("a").error is None
    assert caller.start("b").error == "LimitExceededException"
    clock.advance(60)
    assert caller.start("b").error is None
    calls = caller.emulator.ledger()["calls"]
    assert [(call["running"], call["others"]) for call in calls] == [(1, 11), (1, 11), (2, 6)]
    caller.emulator.vacate()
    assert [caller.start(f"c-{n}").error for n in range(9)] == [None] * 9


@pytest.mark.parametrize(
    "description",
    [
        {"kind": "explode"},
        {"kind": "fail_job", "Colour": "red"},
        {"kind": "fail_job", "times": 0},
        {"kind": "raise_exception", "Exception": "PreconditionNotMetException"},
        {"kind": "lose_response", "Operation": "ListUsers"},
    ],
)
def test_a_switch_that_could_never_fire_is_refused(
    caller: Caller, description: dict[str, Any]
) -> None:
    with pytest.raises(SwitchError):
        caller.emulator.add_switch(description)

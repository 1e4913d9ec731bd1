"""The ledger, on which tests and benchmarks rely as the independent witness."""

import json

from local.quicksight.ledger import write_ledger
from tests.unit.quicksight_emulator.support import Caller, Clock


def test_every_call_is_written_with_its_outcome_and_the_running_count(
    caller: Caller, clock: Clock
) -> None:
    start = clock.time
    caller.start("a")
    clock.advance(0.5)
    caller.start("a")
    clock.advance(1000)
    caller.describe("a")
    calls = caller.emulator.ledger()["calls"]
    assert [(call["time"] - start, call["outcome"], call["running"]) for call in calls] == [
        (0.0, "OK", 1),
        (0.5, "ResourceExistsException", 1),
        (1000.5, "OK", 0),
    ]
    assert calls[0] == {
        "time": start,
        "operation": "StartDashboardSnapshotJob",
        "DashboardId": "sales-overview",
        "SnapshotJobId": "a",
        "outcome": "OK",
        "lost": False,
        "running": 1,
        "others": 0,
    }


def test_jobs_are_listed_with_their_times_and_starts(caller: Caller, clock: Clock) -> None:
    start = clock.time
    caller.start("a")
    clock.advance(1000)
    [job] = caller.emulator.ledger()["jobs"]
    assert job == {
        "SnapshotJobId": "a",
        "DashboardId": "sales-overview",
        "formats": "PDF",
        "created": start,
        "ended": start + job["seconds"],
        "seconds": job["seconds"],
        "status": "COMPLETED",
        "starts": 1,
    }


def test_a_reused_id_is_two_jobs_and_two_starts(caller: Caller, clock: Clock) -> None:
    for _ in range(2):
        caller.start("a")
        clock.advance(2 * 24 * 3600)
        caller.describe("a")
    assert [job["starts"] for job in caller.emulator.ledger()["jobs"]] == [2, 2]


def test_the_summary_gives_the_bound_and_the_peaks(caller: Caller, clock: Clock) -> None:
    start = clock.time
    caller.emulator.add_switch({"kind": "job_seconds", "seconds": 30.0})
    caller.emulator.add_switch({"kind": "job_seconds", "seconds": 6.0, "times": 12})
    for number in range(13):
        caller.start(f"job-{number}")
    clock.advance(10.0)
    caller.start("job-12")
    clock.advance(30.0)
    summary = caller.emulator.ledger()["summary"]
    assert summary == {
        "jobs_started": 13,
        "peak_running": 12,
        "throttled": 0,
        "limit_exceeded": 1,
        "calls": 14,
        "bound_s": 30.0,
        "first_start": start,
        "last_end": start + 30.0,
        "max_calls_in_any_second": 13,
    }


def test_the_bound_is_the_work_divided_by_the_slots(caller: Caller, clock: Clock) -> None:
    caller.emulator.add_switch({"kind": "job_seconds", "seconds": 6.0, "times": 18})
    for number in range(18):
        caller.start(f"job-{number}")
        clock.advance(1.0)
    assert caller.emulator.ledger()["summary"]["bound_s"] == 18 * 6.0 / 12


def test_an_empty_ledger_has_a_summary() -> None:
    assert write_ledger([], [], 12)["summary"]["bound_s"] == 0.0


def test_no_value_of_tags_or_parameters_is_in_the_ledger(caller: Caller) -> None:
    parameters = {"StringParameters": [{"Name": "Region", "Values": ["secret-region"]}]}
    caller.start(tags=(("customer_id", "secret-customer"),), parameters=parameters)
    caller.start(tags=(("customer_id", "secret-" * 100),), parameters=parameters)
    assert "secret" not in json.dumps(caller.emulator.ledger())


def test_reset_forgets_everything(caller: Caller) -> None:
    caller.start()
    caller.emulator.occupy(3)
    caller.emulator.add_switch({"kind": "hang_job"})
    caller.emulator.reset()
    ledger = caller.emulator.ledger()
    assert (ledger["calls"], ledger["jobs"], caller.emulator.list_switches()) == ([], [], [])
    assert caller.start().error is None

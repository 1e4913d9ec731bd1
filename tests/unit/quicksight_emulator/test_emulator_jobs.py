"""The life of a job: states, limits, ids, and what is told about it."""

import pytest

from local.quicksight import Emulator, Settings
from local.quicksight.service_model import RESULT
from tests.unit.quicksight_emulator.support import ACCOUNT, Caller, Clock, start_members

DAY = 24 * 3600.0


def test_a_job_is_queued_then_running_then_completed(caller: Caller, clock: Clock) -> None:
    created = clock.time
    assert caller.start().status == 200
    assert caller.describe().body["JobStatus"] == "QUEUED"
    clock.advance(1.0)
    running = caller.describe().body
    assert (running["JobStatus"], running["LastUpdatedTime"]) == ("RUNNING", created + 1.0)
    [job] = caller.emulator.ledger()["jobs"]
    clock.time = created + job["seconds"]
    completed = caller.describe().body
    assert completed["JobStatus"] == "COMPLETED"
    assert completed["CreatedTime"] == created
    assert completed["LastUpdatedTime"] == created + job["seconds"]


def test_a_job_runs_until_the_last_instant_of_its_time(caller: Caller, clock: Clock) -> None:
    caller.start()
    [job] = caller.emulator.ledger()["jobs"]
    clock.advance(job["seconds"] - 0.001)
    assert caller.describe().body["JobStatus"] == "RUNNING"
    assert caller.result().error == "PreconditionNotMetException"


def test_the_result_before_the_end_is_refused_in_the_documented_words(caller: Caller) -> None:
    caller.start("early")
    answer = caller.result("early")
    assert (answer.status, answer.error) == (400, "PreconditionNotMetException")
    words = "Dashboard Snapshot Job with id early has not reached a terminal state."
    assert answer.body["Message"] == words


def test_describe_tells_tag_keys_and_no_values(caller: Caller) -> None:
    parameters = {"StringParameters": [{"Name": "Region", "Values": ["EMEA"]}]}
    tags = (("customer_id", "cust-0042"), ("region", "EMEA-secret"))
    caller.start(tags=tags, parameters=parameters)
    body = caller.describe().body
    keys = {"RowLevelPermissionTagKeys": ["customer_id", "region"]}
    assert body["UserConfiguration"] == {"AnonymousUsers": [keys]}
    assert body["SnapshotConfiguration"]["Parameters"] == parameters
    assert "cust-0042" not in str(body)
    assert "EMEA-secret" not in str(body)


def test_anonymous_users_without_tags_are_accepted(caller: Caller) -> None:
    assert caller.start(tags=()).error is None
    assert caller.describe().body["UserConfiguration"] == {"AnonymousUsers": [{}]}


def test_twelve_jobs_run_and_the_thirteenth_is_refused(caller: Caller, clock: Clock) -> None:
    assert [caller.start(f"job-{n}").error for n in range(12)] == [None] * 12
    answer = caller.start("job-12")
    assert (answer.status, answer.error) == (409, "LimitExceededException")
    clock.advance(1000)
    assert caller.start("job-12").error is None


def test_an_id_is_in_use_until_24_hours_after_the_end(caller: Caller, clock: Clock) -> None:
    caller.start()
    assert caller.start().error == "ResourceExistsException"
    clock.advance(1000)
    caller.describe()
    [job] = caller.emulator.ledger()["jobs"]
    clock.time = job["ended"] + DAY - 1
    assert caller.start().error == "ResourceExistsException"
    clock.time = job["ended"] + DAY
    assert caller.start().error is None
    assert caller.describe().body["JobStatus"] == "QUEUED"


def test_an_id_is_unique_to_its_dashboard_only(caller: Caller) -> None:
    assert caller.start("same", dashboard_id="sales-overview").error is None
    assert caller.start("same", dashboard_id="open-invoices").error is None


def test_an_id_in_use_is_told_before_a_full_account(caller: Caller) -> None:
    caller.start("mine")
    caller.emulator.occupy(12)
    assert caller.start("mine").error == "ResourceExistsException"
    assert caller.start("yours").error == "LimitExceededException"


def test_the_eleventh_call_in_a_second_is_throttled_without_effect(clock: Clock) -> None:
    caller = Caller(Emulator(Settings(), now=clock))
    assert [caller.start(f"job-{n}").error for n in range(6)] == [None] * 6
    assert [caller.describe(f"job-{n}").error for n in range(4)] == [None] * 4
    answer = caller.start("late")
    assert (answer.status, answer.error) == (429, "ThrottlingException")
    clock.advance(0.999)
    assert caller.start("late").error == "ThrottlingException"
    clock.advance(0.001)
    assert caller.describe("late").error == "ResourceNotFoundException"
    assert caller.start("late").error is None


def test_the_window_slides(clock: Clock) -> None:
    caller = Caller(Emulator(Settings(calls_per_second=8), now=clock))
    for _ in range(30):
        assert caller.describe().error == "ResourceNotFoundException"
        clock.advance(0.125)
    clock.advance(-0.0625)
    assert caller.describe().error == "ThrottlingException"


def test_a_registered_user_alone_sees_his_jobs(emulator: Emulator, clock: Clock) -> None:
    manager = Caller(emulator, session_token="identity-enhanced/manager-1")
    other = Caller(emulator, session_token="identity-enhanced/manager-2")
    members = start_members()
    assert manager.call("StartDashboardSnapshotJob", members).error == (
        "InvalidParameterValueException"
    )
    del members["UserConfiguration"]
    assert Caller(emulator).call("StartDashboardSnapshotJob", members).error == (
        "InvalidParameterValueException"
    )
    assert manager.call("StartDashboardSnapshotJob", members).error is None
    assert other.describe().error == "AccessDeniedException"
    clock.advance(1000)
    assert list(manager.result().body["Result"]) == ["RegisteredUsers"]
    assert "UserConfiguration" not in manager.describe().body


@pytest.mark.parametrize("account", ["111111111111", "12345"])
def test_another_account_is_refused(caller: Caller, account: str) -> None:
    members = {"AwsAccountId": account, "DashboardId": "sales-overview", "SnapshotJobId": "x"}
    expected = "AccessDeniedException" if len(account) == len(ACCOUNT) else "InvalidParameterValue"
    assert str(caller.call(RESULT, members).error).startswith(expected)

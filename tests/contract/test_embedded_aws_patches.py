"""The patches of the embedded AWS fit the installed ministack, and do what they promise.

They are applied in a subprocess, as in a run, so that this process' modules stay as they are.
"""

import base64
import io
import json
import random
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.account import EmbeddedAws, WorkerBound
from local.account.authorization import denials_in
from local.account.clients import make_bucket, make_client
from local.account.environment import ACCOUNT, REGION
from local.account.notifications import Notifications
from local.account.patching import UpstreamChangedError, replace_once, require_source

ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
CODE = """
import os, pathlib, time

class GiveUpError(Exception):
    pass

def handler(event, context):
    time.sleep(event.get("sleep", 0))
    if "go_on" in event:
        pathlib.Path(event["running"]).touch()
        while not pathlib.Path(event["go_on"]).exists():
            time.sleep(0.01)
    if event.get("do") == "raise":
        raise GiveUpError("because")
    if event.get("do") == "exit":
        os._exit(3)
    if event.get("do") == "log":
        print("a line of the log")
    return {"pid": os.getpid(), "folder": os.path.dirname(__file__)}
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    state = tmp_path_factory.mktemp("embedded-aws")
    with EmbeddedAws(state, workers=WorkerBound(per_function=2, total=3)) as running:
        make_functions(running, "one", "two")
        yield running


def archive_of(code: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("module.py", code)
    return archive.getvalue()


def make_functions(aws: EmbeddedAws, *names: str) -> None:
    archive = archive_of(CODE)
    for name in names:
        aws.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=ROLE,
            Handler="module.handler",
            Code={"ZipFile": archive},
            Timeout=20,
        )


def invoke(aws: EmbeddedAws, name: str = "one", **event: Any) -> dict[str, Any]:
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    result: dict[str, Any] = json.loads(answer["Payload"].read())
    return result


@contextmanager
def running_invocation(
    aws: EmbeddedAws, folder: Path, name: str = "one"
) -> Iterator[Future[dict[str, Any]]]:
    """An invocation that is running, and goes on when the block ends."""
    running, go_on = folder / "running", folder / "go-on"
    with ThreadPoolExecutor() as pool:
        invocation = pool.submit(invoke, aws, name, running=str(running), go_on=str(go_on))
        try:
            while not running.exists():
                assert not invocation.done(), invocation.result()
                time.sleep(0.01)
            yield invocation
        finally:
            go_on.touch()


def start(aws: EmbeddedAws, name: str, machine: dict[str, Any]) -> str:
    states = aws.client("stepfunctions")
    created = states.create_state_machine(name=name, definition=json.dumps(machine), roleArn=ROLE)
    run = states.start_execution(stateMachineArn=created["stateMachineArn"], input="{}")
    arn: str = run["executionArn"]
    return arn


def wait_for_end(aws: EmbeddedAws, arn: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while True:
        told: dict[str, Any] = aws.client("stepfunctions").describe_execution(executionArn=arn)
        if told["status"] != "RUNNING":
            return told
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("usage_log", ["None", "Path('/dev/null')"], ids=["plain", "counting"])
def test_every_patch_applies_to_the_installed_version(usage_log: str) -> None:
    program = (
        "from pathlib import Path; from local.account.launcher import WorkerBound, apply_patches; "
        f"apply_patches(WorkerBound(), Path('unused'), usage_log={usage_log})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_changed_upstream_function_is_refused_with_its_name() -> None:
    with pytest.raises(UpstreamChangedError, match="ministack's some_function is not the one"):
        require_source("some_function", "new text", "0" * 16)
    with pytest.raises(UpstreamChangedError, match="exactly one 'old'"):
        replace_once("text without it", "old", "new")


def test_an_exception_keeps_its_class_name_and_the_worker_lives(aws: EmbeddedAws) -> None:
    before = invoke(aws)
    failure = invoke(aws, do="raise")
    assert (failure["errorType"], failure["errorMessage"]) == ("GiveUpError", "because")
    assert invoke(aws)["pid"] == before["pid"]


def test_a_process_that_exits_is_told_as_lambda_tells_it(aws: EmbeddedAws) -> None:
    assert invoke(aws, do="exit")["errorType"] == "Runtime.ExitError"


def test_two_functions_of_the_same_code_share_one_copy(aws: EmbeddedAws) -> None:
    assert invoke(aws, "one")["folder"] == invoke(aws, "two")["folder"]


def test_no_more_workers_than_the_bound_are_started(aws: EmbeddedAws) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: invoke(aws, sleep=0.1), range(12)))
    assert len({answer["pid"] for answer in answers}) <= 2


def test_a_silent_call_does_not_wait_for_a_log_line(aws: EmbeddedAws) -> None:
    functions = aws.client("lambda")
    times = []
    for _ in range(8):
        began = time.monotonic()
        functions.invoke(FunctionName="one", Payload="{}")
        times.append(time.monotonic() - began)
    assert min(times) < 0.045


def test_a_line_of_the_log_arrives_with_its_own_call(aws: EmbeddedAws) -> None:
    answer = aws.client("lambda").invoke(
        FunctionName="one", Payload=json.dumps({"do": "log"}), LogType="Tail"
    )
    assert base64.b64decode(answer["LogResult"]).decode().strip().endswith("a line of the log")


def test_a_state_machine_catches_by_name_and_computes_its_output(aws: EmbeddedAws) -> None:
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "Work",
        "States": {
            "Work": {
                "Type": "Task",
                "Resource": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:one",
                "Arguments": {"do": "raise"},
                "Catch": [{"ErrorEquals": ["GiveUpError"], "Next": "Tell"}],
                "Next": "Tell",
            },
            "Tell": {"Type": "Succeed", "Output": {"error": "{% $states.input.Error %}"}},
        },
    }
    told = wait_for_end(aws, start(aws, "catching", machine))
    assert (told["status"], json.loads(told["output"])) == ("SUCCEEDED", {"error": "GiveUpError"})


def test_an_execution_times_out_with_its_machine(aws: EmbeddedAws) -> None:
    machine = {
        "StartAt": "Rest",
        "TimeoutSeconds": 1,
        "States": {"Rest": {"Type": "Wait", "Seconds": 60, "End": True}},
    }
    assert wait_for_end(aws, start(aws, "resting", machine))["status"] == "TIMED_OUT"


def test_a_task_that_fails_after_the_execution_was_stopped_changes_no_end(
    aws: EmbeddedAws, tmp_path: Path
) -> None:
    running, go_on = tmp_path / "running", tmp_path / "go-on"
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "Work",
        "States": {
            "Work": {
                "Type": "Task",
                "Resource": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:one",
                "Arguments": {"do": "raise", "running": str(running), "go_on": str(go_on)},
                "End": True,
            },
        },
    }
    arn = start(aws, "failing", machine)
    wait_for_event(aws, arn, "TaskStateEntered")
    aws.client("stepfunctions").stop_execution(executionArn=arn)
    go_on.touch()
    wait_for_event(aws, arn, "TaskFailed")
    assert wait_for_end(aws, arn)["status"] == "ABORTED"


def test_a_start_may_be_repeated_while_its_execution_runs(aws: EmbeddedAws) -> None:
    states = aws.client("stepfunctions")
    wait = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
    created = states.create_state_machine(
        name="repeated", definition=json.dumps(wait), roleArn=ROLE
    )
    one = {"stateMachineArn": created["stateMachineArn"], "name": "one", "input": '{"of": 1}'}
    first = states.start_execution(**one)
    again = states.start_execution(**one)
    assert (again["executionArn"], again["startDate"]) == (
        first["executionArn"],
        first["startDate"],
    )
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        states.start_execution(**one | {"input": '{"of": 2}'})
    states.stop_execution(executionArn=first["executionArn"])
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        states.start_execution(**one)


def wait_for_event(aws: EmbeddedAws, arn: str, kind: str) -> None:
    deadline = time.monotonic() + 20
    states = aws.client("stepfunctions")
    while not any(
        event["type"] == kind for event in states.get_execution_history(executionArn=arn)["events"]
    ):
        assert time.monotonic() < deadline, f"no {kind}"
        time.sleep(0.05)


def test_updates_that_state_machines_make_at_once_are_all_kept(aws: EmbeddedAws) -> None:
    table, states = aws.client("dynamodb"), aws.client("stepfunctions")
    table.create_table(
        TableName="counted",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    many = {"L": [{"N": "1"}] * 5000}  # copying it takes longer than a thread's turn
    table.put_item(TableName="counted", Item={"pk": {"S": "a"}, "many": many})
    count = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:updateItem",
        "Parameters": {
            "TableName": "counted",
            "Key": {"pk": {"S": "a"}},
            "UpdateExpression": "ADD held :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        },
        "ResultPath": None,
        "End": True,
    }
    branch = {"StartAt": "Count", "States": {"Count": count}}
    all_at_once = {"Type": "Map", "ItemProcessor": branch, "End": True}
    machine = states.create_state_machine(
        name="counting",
        roleArn=ROLE,
        definition=json.dumps({"StartAt": "All", "States": {"All": all_at_once}}),
    )["stateMachineArn"]
    runs = [
        states.start_execution(stateMachineArn=machine, input="[0, 0, 0, 0]")["executionArn"]
        for _ in range(10)
    ]
    assert {wait_for_end(aws, run)["status"] for run in runs} == {"SUCCEEDED"}
    item = table.get_item(TableName="counted", Key={"pk": {"S": "a"}})["Item"]
    assert item["held"] == {"N": "40"}


def test_a_repeated_transaction_is_known_again(aws: EmbeddedAws) -> None:
    table = aws.client("dynamodb")
    table.create_table(
        TableName="table",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    item = {"pk": {"S": "item"}, "due_at": {"N": "0.0"}}
    condition = "attribute_not_exists(pk)"
    put = {"Put": {"TableName": "table", "Item": item, "ConditionExpression": condition}}
    for _ in range(2):
        table.transact_write_items(TransactItems=[put], ClientRequestToken="token")


DAILY: dict[str, Any] = {
    "ScheduleExpression": "cron(0 6 * * ? *)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:any", "RoleArn": ROLE},
}


@pytest.mark.parametrize(
    "change",
    [
        {"Name": "a" * 65},
        {"StartDate": datetime.now(UTC) - timedelta(minutes=6)},
        {"EndDate": datetime.now(UTC) - timedelta(minutes=6)},
        {
            "StartDate": datetime.now(UTC) + timedelta(days=2),
            "EndDate": datetime.now(UTC) + timedelta(days=1),
        },
        {"ScheduleExpression": "cron(0 6 * * * *)"},
        {"ScheduleExpression": "cron(0 6 * * ?)"},
        {"ScheduleExpression": "rate(0 days)"},
        {"ScheduleExpression": "at(2027-01-01)"},
        {"ScheduleExpressionTimezone": "Europe/Nowhere"},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1441}},
        {"Description": "x" * 513},
        {"Target": DAILY["Target"] | {"RoleArn": "role"}},
        {"Target": DAILY["Target"] | {"Input": "x" * (256 * 1024 + 1)}},
        {"Target": DAILY["Target"] | {"RetryPolicy": {"MaximumRetryAttempts": 186}}},
    ],
    ids="-".join,
)
def test_the_scheduler_refuses_what_aws_refuses_also_in_updates(
    aws: EmbeddedAws, change: dict[str, Any]
) -> None:
    scheduler: Any = aws.client("scheduler")
    name = f"s{uuid.uuid4().hex[:8]}"
    scheduler.create_schedule(Name=name, **DAILY)
    for call in (scheduler.create_schedule, scheduler.update_schedule):
        wanted = {"Name": "other" if call == scheduler.create_schedule else name}
        with pytest.raises(ClientError) as refused:
            call(**wanted | DAILY | change)
        assert refused.value.response["Error"]["Code"] == "ValidationException"
    start = datetime.now(UTC) - timedelta(minutes=4)
    scheduler.update_schedule(Name=name, **DAILY, StartDate=start)
    once = DAILY | {"ScheduleExpression": "at(2027-01-01T00:00:00)"}
    past = datetime(2020, 1, 1, tzinfo=UTC)
    scheduler.update_schedule(Name=name, **once, StartDate=past)  # ignored for one-time schedules


def test_a_schedule_that_is_refused_fails_its_stack_and_a_taken_one_keeps_zone_and_dates(
    aws: EmbeddedAws,
) -> None:
    cloudformation, scheduler = aws.client("cloudformation"), aws.client("scheduler")
    for name, start, status in (
        ("taken", "2198-01-01T00:00:00Z", "CREATE_COMPLETE"),
        ("refused", "2020-01-01T00:00:00Z", "ROLLBACK_COMPLETE"),
    ):
        properties = {**DAILY, "Name": name, "StartDate": start,
                      "ScheduleExpressionTimezone": "Europe/Berlin"}  # fmt: skip
        resource = {"Type": "AWS::Scheduler::Schedule", "Properties": properties}
        cloudformation.create_stack(
            StackName=name, TemplateBody=json.dumps({"Resources": {"Schedule": resource}})
        )
        deadline = time.monotonic() + 30
        while True:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
            if not stack["StackStatus"].endswith("IN_PROGRESS"):
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert stack["StackStatus"] == status
    made = scheduler.get_schedule(Name="taken")
    assert made["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert made["StartDate"] == datetime(2198, 1, 1, tzinfo=UTC)


def test_a_right_on_schedules_is_on_those_of_its_group_and_denials_are_told(tmp_path: Path) -> None:
    with EmbeddedAws(tmp_path, enforce_iam=True) as account:
        iam = account.client("iam")
        iam.create_user(UserName="planner")
        own = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/own/*"
        actions = ["scheduler:CreateSchedule", "scheduler:GetSchedule"]
        statement = {"Effect": "Allow", "Action": actions, "Resource": own}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="planner", PolicyName="own", PolicyDocument=document)
        made = iam.create_access_key(UserName="planner")["AccessKey"]
        keys = (made["AccessKeyId"], made["SecretAccessKey"])
        account.client("scheduler").create_schedule_group(Name="own")
        planner = make_client(
            "scheduler", account.endpoint_url, ca_file=str(account.ca_file), keys=keys
        )
        daily: dict[str, Any] = {
            "Name": "daily",
            "ScheduleExpression": "rate(1 day)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:any", "RoleArn": ROLE},
        }
        planner.create_schedule(GroupName="own", **daily)
        assert planner.get_schedule(GroupName="own", Name="daily")["Name"] == "daily"
        with pytest.raises(ClientError, match="AccessDenied"):
            planner.create_schedule(GroupName="default", **daily)
        with pytest.raises(ClientError, match="AccessDenied"):
            planner.get_schedule(GroupName="default", Name="daily")
        assert denials_in(account.log) == [
            f"arn:aws:iam::{ACCOUNT}:user/planner: scheduler:{verb}Schedule"
            for verb in ("Create", "Get")
        ]


def test_batches_need_the_single_right_and_simulations_read_condition_keys(tmp_path: Path) -> None:
    with EmbeddedAws(tmp_path, enforce_iam=True) as account:
        iam, arn = account.client("iam"), f"arn:aws:iam::{ACCOUNT}:user/sender"
        iam.create_user(UserName="sender")
        url = account.client("sqs").create_queue(QueueName="own")["QueueUrl"]
        mail = {"StringEquals": {"ses:FromAddress": "a@example.org"}}
        statements = [
            {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"},
            {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*", "Condition": mail},
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName="sender", PolicyName="own", PolicyDocument=document)
        made = iam.create_access_key(UserName="sender")["AccessKey"]
        keys = (made["AccessKeyId"], made["SecretAccessKey"])
        sqs = make_client("sqs", account.endpoint_url, ca_file=str(account.ca_file), keys=keys)
        sent = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "m"}])
        assert [each["Id"] for each in sent["Successful"]] == ["1"]
        with pytest.raises(ClientError, match="AccessDenied"):
            sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "1", "ReceiptHandle": "r"}])

        def decision(*addresses: str) -> str:
            entry = {"ContextKeyName": "ses:FromAddress", "ContextKeyType": "string"}
            found = iam.simulate_principal_policy(
                PolicySourceArn=arn,
                ActionNames=["ses:SendEmail"],
                ContextEntries=[{**entry, "ContextKeyValues": [each]} for each in addresses],
            )
            (result,) = found["EvaluationResults"]
            return str(result["EvalDecision"])

        assert decision("a@example.org") == "allowed"
        assert decision("b@example.org") == decision() == "implicitDeny"


def test_stopping_ends_every_process_and_wipes_the_temporary_files(tmp_path: Path) -> None:
    with EmbeddedAws(tmp_path) as running:
        process = running.process
        assert process is not None and process.is_alive()
    assert not process.is_alive()
    assert not (tmp_path / "tmp").exists() and (tmp_path / "aws.log").exists()


def test_an_invocation_goes_on_with_its_code_while_the_code_is_replaced(
    aws: EmbeddedAws, tmp_path: Path
) -> None:
    make_functions(aws, "replaced")
    with running_invocation(aws, tmp_path, "replaced") as before:
        aws.client("lambda").update_function_code(
            FunctionName="replaced", ZipFile=archive_of(CODE.replace('"pid"', '"new pid"'))
        )
    old, new = before.result(), invoke(aws, "replaced")
    assert "pid" in old and "new pid" in new
    assert not Path(f"/proc/{old['pid']}").exists(), "the replaced worker was kept"


def test_what_is_over_the_concurrency_is_refused_by_the_name_that_aws_gives_it(
    tmp_path: Path,
) -> None:
    with EmbeddedAws(tmp_path, lambda_concurrency=1) as aws:
        make_functions(aws, "one")
        once = make_client("lambda", aws.endpoint_url, attempts=1)
        task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
        task |= {"Parameters": {"FunctionName": "one", "Payload": {}}}
        with running_invocation(aws, tmp_path):
            with pytest.raises(ClientError) as refused:
                once.invoke(FunctionName="one")
            end = wait_for_end(
                aws, start(aws, "over", {"StartAt": "Call", "States": {"Call": task}})
            )
    assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert end["error"] == "Lambda.TooManyRequestsException"


@pytest.mark.parametrize(
    ("late", "copies"),
    [
        (Notifications(median=0.1, lost=0, doubled=0), 1),
        (Notifications(median=0.1, lost=0, doubled=1), 2),
        (Notifications(lost=1), 0),
    ],
    ids=["once", "doubled", "lost"],
)
def test_an_objects_notification_comes_as_often_as_was_drawn(
    tmp_path: Path, late: Notifications, copies: int
) -> None:
    with EmbeddedAws(tmp_path, notifications=late) as aws:
        queue = aws.client("sqs").create_queue(QueueName="heard")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:heard"
        pattern = {"source": ["aws.s3"], "detail": {"object": {"key": [{"prefix": "raw/"}]}}}
        events, s3 = aws.client("events"), aws.client("s3")
        events.put_rule(Name="objects", EventPattern=json.dumps(pattern))
        events.put_targets(Rule="objects", Targets=[{"Id": "queue", "Arn": arn}])
        make_bucket(s3, "watched")
        s3.put_bucket_notification_configuration(
            Bucket="watched", NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        for key in ("raw/one", "other/two"):
            s3.put_object(Bucket="watched", Key=key)
        heard: list[Any] = []
        for _ in range(2):
            answer = aws.client("sqs").receive_message(
                QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=2
            )
            heard += [json.loads(each["Body"]) for each in answer.get("Messages", [])]
            for each in answer.get("Messages", []):
                aws.client("sqs").delete_message(
                    QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"]
                )
    keys = [event["detail"]["object"]["key"] for event in heard]
    assert keys == ["raw/one"] * copies


def test_notifications_take_about_a_second_and_seldom_ten() -> None:
    late, source = Notifications(), random.Random(1)
    drawn = [late.draw(source) for _ in range(20_000)]
    seconds = sorted(delay for delays in drawn for delay in delays)
    assert 0.65 < seconds[len(seconds) // 2] < 0.75
    assert 0.0003 < sum(delay > 10 for delay in seconds) / len(seconds) < 0.003
    assert [round(sum(len(d) == n for d in drawn) / len(drawn), 2) for n in (0, 2)] == [0.01, 0.01]

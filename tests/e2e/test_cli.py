"""`snapshots` as a process against the deployed stack, as a user starts it."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.account.environment import REGION, client_environment
from local.deployed import Deployed
from local.examples import EXAMPLES, load_examples
from local.up import first_steps
from tests.support.command_result import CommandResult
from tests.support.shifted_clock import CLOCK

SNAPSHOTS = Path(sys.executable).parent / "snapshots"


Cli = Callable[..., CommandResult]


@pytest.fixture
def cli(deployed: Deployed, tmp_path: Path) -> Iterator[Cli]:
    """Run the installed command in an empty folder; at the end nothing is paused or limited."""
    state = tmp_path / "state.json"
    addresses = {
        "endpoint_url": deployed.endpoint_url,
        "quicksight_url": deployed.quicksight_url,
        "region": REGION,
    }
    state.write_text(json.dumps(addresses))
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SNAPSHOTS_LOCAL": "1",
        "SNAPSHOTS_LOCAL_STATE": str(state), **CLOCK,
    }  # fmt: skip

    def call(
        *arguments: str, stdin: str = "", env: Mapping[str, str] = environment
    ) -> CommandResult:
        done = subprocess.run(
            [SNAPSHOTS, *arguments],
            input=stdin,
            env=dict(env),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return CommandResult(done.returncode, done.stdout, done.stderr)

    yield call
    assert call("capacity", "--default-limit", "--resume").code == 0


def requests(count: int) -> list[dict[str, Any]]:
    """Examples under ids of their own."""
    examples = [each for each in load_examples().values() if "ExportId" in each]
    return [
        {**examples[number % len(examples)], "ExportId": f"cli-{uuid.uuid4().hex[:12]}"}
        for number in range(count)
    ]


def lines_of(values: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.2)


def test_submitted_lines_become_files_in_a_folder(cli: Cli, tmp_path: Path) -> None:
    bodies = requests(3)
    done = cli("submit", "-", "--download", "files", "--json", stdin=lines_of(bodies))
    assert done.code == 0, done.err
    exports = done.json["Exports"]
    assert [each["ExportId"] for each in exports] == [each["ExportId"] for each in bodies]
    for export in exports:
        files = [*(tmp_path / "files" / export["ExportId"]).iterdir()]
        assert sorted(file.stat().st_size for file in files) == sorted(
            file["Size"] for file in export["Files"]
        )
        assert len(files) == len(export["Files"]) > 0
    assert "3/3 ended: 0 running, 0 waiting, 0 failed" in done.err
    shown = cli("status", bodies[0]["ExportId"])
    assert shown.code == 0 and "COMPLETED" in shown.out and "s3://" in shown.out
    wait_until(
        lambda: listed(cli, "--status", "completed") >= {each["ExportId"] for each in bodies}
    )


def test_the_lines_that_make_up_prints_work_one_after_another(
    cli: Cli, deployed: Deployed, tmp_path: Path
) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    sent, *ours = map(shlex.split, first_steps(deployed))
    send_as_the_aws_cli(sent, tmp_path)
    for words in ours:
        assert words[0] == ".venv/bin/snapshots"
        done = cli(*words[1:])
        assert done.code == 0 and "COMPLETED" in done.out, done
    first = json.loads((EXAMPLES / "pdf-of-one-sheet.json").read_text("utf-8"))["ExportId"]
    assert [path.suffix for path in (tmp_path / "files" / first).rglob("*.pdf")] == [".pdf"]


def send_as_the_aws_cli(words: list[str], folder: Path) -> None:
    """What `aws sqs send-message` does with these words: both of its versions read `file://`."""
    keys = dict(word.split("=", 1) for word in words[:2])
    program, *rest = words[2:]
    options = dict(pairwise(rest))
    assert program == "aws" and options["sqs"] == "send-message"
    client: Any = boto3.client(
        "sqs",
        region_name=options["--region"],
        endpoint_url=options["--endpoint-url"],
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )
    body = (folder / options["--message-body"].removeprefix("file://")).read_text("utf-8")
    client.send_message(QueueUrl=options["--queue-url"], MessageBody=body)


def listed(cli: Cli, *arguments: str) -> set[str]:
    page = cli("list", "--json", "--since", "1h", "--all", *arguments).json
    return {export["ExportId"] for export in page["Exports"]}


def test_what_is_wrong_is_told_in_a_line_with_place_and_rule(cli: Cli) -> None:
    right, wrong = requests(2)
    wrong["SnapshotConfiguration"] = {"FileGroups": []}
    done = cli("submit", "-", stdin=lines_of([right, wrong]))
    assert done.code == 2 and right["ExportId"] in done.out
    assert done.err.startswith("error: line 2: SnapshotConfiguration.FileGroups: must ")
    assert done.err.count("\n") == 1
    changed = {**right, "Name": "another"}
    assert cli("submit", "-", stdin=json.dumps(changed)).code == 5
    assert cli("status", "nobody").code == 3
    assert cli("list", "--stack-name", "Nowhere").code == 3


@pytest.mark.nightly
def test_what_waits_is_cancelled(cli: Cli) -> None:
    wait_until(lambda: not cli("capacity", "--json").json["Waiting"], 60)
    assert cli("capacity", "--pause", "10m").code == 0
    bodies = requests(2)
    ids = [body["ExportId"] for body in bodies]
    assert cli("submit", "-", stdin=lines_of(bodies)).code == 0
    watched = cli("watch", "--once")
    assert watched.code == 0 and "2 waiting" in watched.out and "paused until" in watched.out
    done = cli("cancel", ids[0])
    assert done.code == 0 and f"{ids[0]} CANCELLED" in done.out
    assert cli("status", ids[0]).code == 1
    assert cli("capacity", "--resume").code == 0
    assert cli("status", ids[1], "--wait").code == 0
    assert cli("cancel", *ids).code == 5


@pytest.mark.nightly
def test_the_limit_is_changed_live(cli: Cli) -> None:
    assert cli("capacity", "--limit", "2", "--json").json["Limit"] == 2
    bodies = requests(6)
    assert cli("submit", "-", stdin=lines_of(bodies)).code == 0
    told = cli("watch", "--once", "--json").json["Capacity"]
    assert told["Limit"] == 2 and told["Running"] <= 2
    assert cli("capacity", "--default-limit", "--json").json["Limit"] == 12
    assert cli("status", bodies[-1]["ExportId"], "--wait").code == 0


def test_a_burst_of_a_template_and_a_manifest(cli: Cli, tmp_path: Path) -> None:
    template = load_examples()["pdf-of-one-sheet"]
    (tmp_path / "t.json").write_text(
        json.dumps({k: v for k, v in template.items() if k not in ("ExportId", "Name")})
    )
    customers = [f"cust-{number:04}" for number in range(1, 5)]
    rows = "".join(f"{each},{each}\n" for each in customers)
    (tmp_path / "m.csv").write_text(f"RecipientId,tag:customer_id\n{rows}late,\n")
    burst_id = f"cli-{uuid.uuid4().hex[:8]}"
    submit = ["burst", "--template", "t.json", "--manifest", "m.csv", "--burst-id", burst_id]
    done = cli(*submit, "--wait", "--json")
    assert done.code == 1, "the row without a tag is refused"
    counts = done.json["Counts"]
    assert [counts["Completed"], counts["Refused"], counts["Total"]] == [4, 1, 5]
    shown = cli("status", burst_id)
    assert "line 6" in shown.out and "tag:customer_id" in shown.out
    wait_until(lambda: len(listed(cli, "--burst", burst_id)) == 4)
    assert cli("watch", "--burst", burst_id).out.count("completed with failures: 4 completed") == 1


@pytest.mark.nightly
def test_schedules_come_and_go(cli: Cli, tmp_path: Path) -> None:
    request = {k: v for k, v in load_examples()["csv"].items() if k != "ExportId"}
    (tmp_path / "export.json").write_text(json.dumps(request))
    name = f"cli-{uuid.uuid4().hex[:8]}"
    put = ["schedule", "put", name, "--export", "export.json", "--expression"]
    assert cli(*put, "every day").code == 2
    assert cli(*put, "cron(0 6 * * ? *)", "--timezone", "Europe/Berlin", "--disable").code == 0
    assert name in cli("schedule", "list").out
    shown = cli("schedule", "get", name)
    assert shown.json["Export"] == request and shown.json["State"] == "DISABLED"
    again = cli("schedule", "put", name, "-", "--enable", "--json", stdin=shown.out)
    assert again.code == 0 and again.json["State"] == "ENABLED", again.err
    assert cli("schedule", "delete", name).code == 0
    assert cli("schedule", "get", name).code == 3


@pytest.mark.nightly
def test_redrive_brings_messages_back_and_loses_none(cli: Cli, deployed: Deployed) -> None:
    body = {k: v for k, v in load_examples()["csv"].items() if k != "ExportId"}
    wrong, dead = {**body, "Name": "../escaped"}, json.dumps(body)
    deployed.send(wrong)
    sqs = deployed.client("sqs")
    dead_id = sqs.send_message(
        QueueUrl=deployed.outputs["DeadLetterQueueUrl"], MessageBody=dead
    )["MessageId"]  # fmt: skip

    def shown() -> dict[str, Any]:
        told = cli("redrive", "--json").json
        assert told["DryRun"]
        return {queue["Queue"]: queue for queue in told["Queues"]}

    wait_until(lambda: any("Name" in str(m["Problems"]) for m in shown()["rejected"]["Messages"]))
    message_ids = {each["MessageId"] for each in shown()["dead-letter"]["Messages"]}
    assert dead_id in message_ids and dead_id not in deployed.exports([dead_id])
    assert cli("redrive").out.count("would be moved") >= 2
    rejected = [m["MessageId"] for m in shown()["rejected"]["Messages"] if m["Problems"]]
    chosen = [f"--message-id={each}" for each in (dead_id, rejected[-1])]
    moved = cli("redrive", "--yes", "--json", *chosen)
    assert sum(queue["Moved"] for queue in moved.json["Queues"]) == 2, moved.err
    assert deployed.wait_for_export(dead_id)["status"] == "COMPLETED"
    wait_until(lambda: shown()["rejected"]["Found"] >= 1)
    left = {each["MessageId"] for each in shown()["dead-letter"]["Messages"]}
    assert left == message_ids - {dead_id}


@pytest.mark.nightly
def test_the_doctor_finds_the_embedded_account_sound(cli: Cli, deployed: Deployed) -> None:
    look = ["doctor", "--dashboard", "sales-overview", "--json"]
    done = cli(*look)
    checks = {each["Check"]: each for each in done.json["Checks"]}
    states = {name: each["State"] for name, each in checks.items()}
    assert done.code == 0, done.out
    silent = {name for name, state in states.items() if state == "not checked"}
    assert silent - {"pricing plan"} == {"limit of snapshot jobs"}
    assert "does not answer" in checks["limit of snapshot jobs"]["Seen"]
    assert {name for name, state in states.items() if state == "warning"} == {"notifications"}
    assert deployed.outputs["ExportBucketName"] in checks["export bucket: policy"]["Seen"]
    missing = {"Operation": "DescribeDashboard", "Exception": "ResourceNotFoundException"}
    deployed.switch({"kind": "raise_exception", **missing})
    again = cli(*look)
    failed = [each for each in again.json["Checks"] if each["State"] == "failed"]
    assert again.code == 1 and [each["Check"] for each in failed] == ["dashboard sales-overview"]
    assert "order-details (Order details)" in failed[0]["Fix"]


def test_a_stack_that_cannot_be_reached_is_exit_code_4(cli: Cli, tmp_path: Path) -> None:
    environment = client_environment("http://127.0.0.1:9") | {"SNAPSHOTS_LOCAL_STATE": "none"}
    done = cli("list", "--local", env=environment)
    assert done.code == 4 and "make up" in done.err and done.err.count("\n") == 1

"""burst, schedule, capacity and watch against the contract."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest

from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.domain.prefixes import UPLOADS_PREFIX
from snapshots.pace import Pace, seconds_left
from tests.unit.snapshots.conftest import Run
from tests.unit.snapshots.stub import StubApi, new_export

TEMPLATE = {"DashboardId": "sales", "SnapshotConfiguration": {}}


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(TEMPLATE))
    return str(path)


def test_a_manifest_is_uploaded_before_its_burst_is_submitted(
    run: Run, api: StubApi, aws: dict[str, str], template: str, tmp_path: Path
) -> None:
    manifest = tmp_path / "customers.csv"
    manifest.write_text("RecipientId,tag:customer_id\na,1\n")
    result = run("burst", "--template", template, "--manifest", str(manifest),
                 "--burst-id", "monday", "--priority", "2", "--deadline", "2h",
                 "--target", "partner")  # fmt: skip
    assert result.code == 0, result.err
    body = api.bursts["monday"]["body"]
    key = f"{UPLOADS_PREFIX}monday-{sha256(manifest.read_bytes()).hexdigest()}.csv"
    uri = f"s3://ours/{key}"
    assert body["Manifest"] == {"S3Uri": uri, "Format": "CSV"}
    assert body["Template"] == TEMPLATE and body["Priority"] == 2 and body["Deadline"]
    assert body["Target"] == "partner"
    stored: Any = boto3.client("s3").get_object(Bucket="ours", Key=key)
    assert stored["Body"].read() == manifest.read_bytes()


def test_an_id_with_another_manifest_is_a_conflict_and_the_first_manifest_stays(
    run: Run, api: StubApi, aws: dict[str, str], template: str, tmp_path: Path
) -> None:
    manifest = tmp_path / "customers.csv"
    arguments = ["burst", "--template", template, "--manifest", str(manifest), "--burst-id", "m"]
    manifest.write_text("RecipientId,tag:customer_id\na,1\n")
    assert run(*arguments).code == 0 and run(*arguments).code == 0
    first = ObjectAddress.parse(api.bursts["m"]["body"]["Manifest"]["S3Uri"])
    manifest.write_text("RecipientId,tag:customer_id\nb,2\n")
    assert run(*arguments).code == 5
    stored: Any = boto3.client("s3").get_object(Bucket=first.bucket, Key=first.key)
    assert stored["Body"].read() == b"RecipientId,tag:customer_id\na,1\n"


def test_a_burst_file_is_sent_as_it_is_and_waited_for(
    run: Run, api: StubApi, tmp_path: Path
) -> None:
    request = {"BurstId": "b", "Template": TEMPLATE, "Recipients": [{}, {}]}
    source = tmp_path / "burst.json"
    source.write_text(json.dumps(request))
    result = run("burst", str(source), "--wait", "--json")
    assert result.code == 0 and result.json["Status"] == "COMPLETED"
    assert api.bursts["b"]["body"] == request
    assert run("status", "b", "--json").json["Counts"]["Completed"] == 2
    assert run("cancel", "b").code == 0 and api.bursts["b"]["Status"] == "CANCELLED"


def test_allowances_are_laid_over_and_warnings_are_shown_once(
    run: Run, api: StubApi, tmp_path: Path
) -> None:
    warning = {"Code": "DATA_SET_WITHOUT_TAG_RULES", "Resource": "dataset/d", "Message": "d [b]!"}
    api.security_warnings = [warning]
    requests = tmp_path / "requests.jsonl"
    requests.write_text("".join(json.dumps({"ExportId": f"e{n}", **TEMPLATE}) + "\n" for n in "12"))
    submitted = run("submit", str(requests), "--allow-match-all")
    assert submitted.code == 0 and submitted.err.count("warning: d [b]!") == 1
    assert [each["body"].get("AllowMatchAll") for each in api.exports.values()] == [True, True]
    source = tmp_path / "burst.json"
    source.write_text(json.dumps({"BurstId": "b", "Template": TEMPLATE, "Recipients": [{}]}))
    burst = run("burst", str(source), "--allow-several-values", "--json")
    assert burst.json["Warnings"] == [warning] and "warning: d [b]!" in burst.err
    body = api.bursts["b"]["body"]
    assert body["AllowSeveralValues"] is True and "AllowMatchAll" not in body
    assert "warning: d [b]!" in run("status", "b").err


@pytest.mark.parametrize(
    "arguments", [[], ["--template", "none.json"], ["--manifest", "recipients.xlsx"]]
)
def test_a_burst_without_its_parts_is_wrong_usage(run: Run, arguments: list[str]) -> None:
    result = run("burst", *arguments)
    assert result.code == 2 and result.err.startswith("error: ") and result.err.count("\n") == 1


def test_schedules_are_put_listed_shown_and_deleted(run: Run, api: StubApi, template: str) -> None:
    when = ["--expression", "cron(0 6 * * ? *)", "--timezone", "Europe/Berlin", "--window", "15"]
    assert run("schedule", "put", "daily", "--export", template, *when).code == 0
    shown = run("schedule", "get", "daily").json
    assert shown["FlexibleTimeWindowMinutes"] == 15 and shown["Export"] == TEMPLATE
    source = Path(template).with_name("schedule.json")
    source.write_text(json.dumps(shown))
    result = run("schedule", "put", "daily", str(source), "--disable", "--burst", template)
    assert result.code == 0, result.err
    assert api.schedules["daily"]["State"] == "DISABLED"
    assert "Export" not in api.schedules["daily"] and "Burst" in api.schedules["daily"]
    assert "daily" in run("schedule", "list").out
    assert run("schedule", "delete", "daily").code == 0
    assert run("schedule", "delete", "daily").code == 3


def test_a_schedule_runs_by_hand(run: Run, api: StubApi, template: str) -> None:
    run("schedule", "put", "daily", "--export", template, "--expression", "rate(1 day)")
    now = run("schedule", "run", "daily")
    assert now.code == 0 and now.out == "daily-0 was accepted before\n"
    assert set(api.calls[-1][3]) == {"At"} and api.calls[-1][3]["At"].endswith("Z")
    missed = run("schedule", "run", "daily", "--at", "2026-11-23", "--json")
    assert api.calls[-1][3] == {"At": "2026-11-23"} and missed.json["Occurrences"][0]["Id"]
    days = run("schedule", "run", "daily", "--from", "2026-11-01", "--to", "2026-11-14")
    assert api.calls[-1][3] == {"From": "2026-11-01", "To": "2026-11-14"}
    assert days.out.splitlines() == ["daily-0 was accepted before", "daily-1 accepted"]
    for wrong in (["--from", "2026-11-01"], ["--at", "2026-11-01", "--to", "2026-11-02"]):
        assert run("schedule", "run", "daily", *wrong).code == 2
    assert run("schedule", "run", "nothing").code == 3


def test_a_schedule_is_put_by_when_it_shall_be_ready(run: Run, api: StubApi, template: str) -> None:
    arguments = ["schedule", "put", "daily", "--burst", template, "--ready-by", "07:00"]
    assert run(*arguments).code == 0
    assert api.schedules["daily"]["ReadyBy"] == {"Time": "07:00"}
    assert "ready by 07:00" in run("schedule", "list").out
    assert run(*arguments, "--expression", "rate(1 day)").code == 2
    source = Path(template).with_name("schedule.json")
    rule = {"Time": "08:00", "Days": ["MON"]}
    source.write_text(json.dumps({"ReadyBy": rule, "ScheduleExpression": None}))
    more = ["schedule", "put", "daily", str(source), "--burst", template]
    assert run(*more, "--ready-by", "09:00").code == 0
    assert api.schedules["daily"]["ReadyBy"] == rule | {"Time": "09:00"}
    assert run(*more, "--expression", "rate(1 day)").code == 0
    assert "ReadyBy" not in api.schedules["daily"]


def test_warnings_of_a_schedule_are_told_beside_it_and_not_put_back(
    run: Run, api: StubApi, template: str
) -> None:
    warning = "2027-03-28: 02:30 does not exist in Europe/Berlin: the occurrence is skipped"
    api.warnings = [warning]
    when = ["--expression", "cron(30 2 * * ? *)", "--timezone", "Europe/Berlin"]
    result = run("schedule", "put", "night", "--export", template, *when)
    assert result.code == 0 and result.err == f"warning: night: {warning}\n"
    assert run("schedule", "put", "night", "--export", template, *when, "--json").json[
        "Warnings"
    ] == [warning]
    assert run("schedule", "list").err.endswith(f"warning: night: {warning}\n")
    source = Path(template).with_name("schedule.json")
    source.write_text(json.dumps(run("schedule", "get", "night").json), encoding="utf-8")
    assert run("schedule", "put", "night", str(source)).code == 0
    assert "Warnings" not in api.calls[-1][3]


def test_capacity_is_shown_limited_paused_and_resumed(run: Run, api: StubApi) -> None:
    assert "3 of 12 held" in run("capacity").out
    assert run("capacity", "--limit", "4", "--json").json["Limit"] == 4
    assert api.calls[-1][3] == {"Limit": 4}
    assert run("capacity", "--reserve", "2", "--json").json["ReservedSlots"] == 2
    assert "2 for people" in run("capacity").out
    assert run("capacity", "--default-reserve").code == 0
    assert api.calls[-1][3] == {"ReservedSlots": None}
    assert run("capacity", "--reserve", "2", "--default-reserve").code == 2
    assert run("capacity", "--pause", "30m").code == 0
    until = datetime.fromisoformat(api.capacity["PausedUntil"])
    left = until - datetime.now(until.tzinfo)
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    assert run("capacity", "--resume").code == 0 and api.calls[-1][3] == {"PausedUntil": None}
    assert run("capacity", "--resume", "--pause", "1h").code == 2


def test_capacity_is_one_targets_and_told_so_where_there_are_several(
    run: Run, api: StubApi
) -> None:
    assert "target" not in run("capacity").out
    assert api.calls[-1][2] == {}, "the default is not named"
    api.capacity |= {"Target": "partner", "Targets": ["default", "partner"]}
    assert "partner of default, partner" in run("capacity", "--target", "partner").out
    assert api.calls[-1][:3] == ("GET", "/capacity", {"Target": "partner"})
    run("capacity", "--target", "partner", "--limit", "3")
    assert api.calls[-1][2:] == ({"Target": "partner"}, {"Limit": 3})


def test_watch_tells_slots_backlog_and_the_expected_end(run: Run, api: StubApi) -> None:
    api.exports["a"] = new_export("a", TEMPLATE) | {"Status": "FAILED"}
    line = run("watch", "--once").out
    assert "slots 3/12; backlog 0 waiting; last hour 720 done, 1 failed" in line
    assert "throughput 12.0 a minute" in line and "in 15 s" in line
    told = run("watch", "--once", "--json").json
    assert told["Capacity"] == api.capacity and told["ExportsPerSecond"] == 0.2


def test_watch_believes_the_end_that_the_api_expects(run: Run, api: StubApi) -> None:
    api.forecast |= {"Waiting": 7, "FinishP50": "2222-01-01T00:00:00Z"}
    assert run("watch", "--once", "--json").json["ExpectedEnd"].startswith("2222-01-01T00:00")


def test_watch_of_a_burst_ends_with_it(run: Run, api: StubApi) -> None:
    api.answer("POST", "/bursts", {}, {"BurstId": "b", "Template": TEMPLATE})
    result = run("watch", "--burst", "b", "--interval", "0.5")
    first, last = result.out.splitlines()
    assert "burst b expanding: 0 completed" in first and "burst b completed: 2 completed" in last


def test_watch_is_of_the_target_that_is_named_or_of_the_bursts(run: Run, api: StubApi) -> None:
    def targets() -> set[str | None]:
        read = ("/capacity", "/forecast")
        return {query.get("Target") for _, path, query, _ in api.calls if path in read}

    run("watch", "--once", "--target", "partner")
    assert targets() == {"partner"}
    body = {"BurstId": "b", "Target": "ireland", "Template": TEMPLATE}
    api.answer("POST", "/bursts", {}, body)
    api.calls.clear()
    run("watch", "--once", "--burst", "b")
    assert targets() == {"ireland"}


def test_the_pace_is_that_of_the_last_five_minutes() -> None:
    pace = Pace()
    pace.read(0, 100)
    assert pace.per_second() is None
    pace.read(10, 110)
    pace.read(20, 105)  # an hour's old completions left the counter
    pace.read(30, 125)
    assert pace.per_second() == 1.0
    pace.read(325, 125)
    assert pace.per_second() == 0
    assert [seconds_left(0, None), seconds_left(6, 0.5), seconds_left(6, 0)] == [0, 12, None]

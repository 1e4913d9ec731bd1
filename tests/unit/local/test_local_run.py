"""The pieces of `make run` that decide what is sent and what is shown."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from local import running_account as kept
from local.account.processes import ProcessIdentity
from local.breakdown import DESCRIBE
from local.command import CommandError, run_command
from local.examples import customer_of, formats_of, load_examples, make_messages
from local.mails import EMAIL, mailed
from local.run.measures import Measures, measure
from local.run.progress import judge_standing
from snapshot_export.domain.request import parse_request
from tests.support.targets import ONE_TARGET


@pytest.mark.parametrize("name", load_examples())
def test_every_example_is_a_valid_request(name: str) -> None:
    text = json.dumps(load_examples()[name])
    assert parse_request(text, ONE_TARGET).export_id


def test_the_examples_show_every_format_and_every_kind_of_parameter() -> None:
    examples = load_examples().values()
    assert {kind for each in examples for kind in formats_of(each)} == {"PDF", "EXCEL", "CSV"}
    parameters = [each["SnapshotConfiguration"].get("Parameters", {}) for each in examples]
    assert {kind for each in parameters for kind in each} == {
        "StringParameters",
        "IntegerParameters",
        "DecimalParameters",
        "DateTimeParameters",
    }


def test_each_message_of_a_run_has_an_id_and_a_customer_of_its_own() -> None:
    messages = make_messages("run-1", 48)
    assert [each["ExportId"] for each in messages][::47] == ["run-1-001", "run-1-048"]
    assert len({customer_of(each) for each in messages}) == 48
    named = [each for each in messages if "{tag:Customer}" in each.get("Name", "")]
    assert len(named) == 7
    assert all(each["Tags"]["Customer"] == customer_of(each) for each in named)
    assert {each["DashboardId"] for each in messages} == {
        each["DashboardId"] for each in load_examples().values()
    }


def test_each_message_of_a_run_is_mailed_to_its_own_customer() -> None:
    targets = replace(ONE_TARGET, mail_domains=frozenset(EMAIL["allowedDomains"]))
    messages = [mailed(message) for message in make_messages("run-1", 48)]
    requests = [parse_request(json.dumps(message), targets) for message in messages]
    addresses = [message["Delivery"]["Email"]["To"] for message in messages]
    assert [list(request.mail.to) for request in requests if request.mail] == addresses
    assert addresses == [[f"{customer_of(message)}@example.com"] for message in messages]
    assert len({address for (address,) in addresses}) == 48


def test_the_time_left_is_the_work_left_shared_by_the_slots() -> None:
    exports: dict[str, dict[str, Any]] = {
        "a": {"status": "COMPLETED", "job_seconds": 10},
        "b": {"status": "FAILED", "job_seconds": 30},
        "c": {"status": "RUNNING"},
        "d": {"status": "QUEUED"},
    }
    standing = judge_standing(5, exports, {"c"}, limit=2)
    assert (standing.queued, standing.running, standing.done, standing.failed) == (2, 1, 1, 1)
    assert standing.seconds_left == pytest.approx(20 * 2.5 / 2)
    assert judge_standing(3, {}, set(), limit=2).seconds_left is None


def test_what_holds_no_slot_any_more_is_collecting_and_not_running() -> None:
    exports = {name: {"status": "RUNNING"} for name in "abc"} | {"d": {"status": "QUEUED"}}
    standing = judge_standing(4, exports, {"a", "b", "d", "of another run"}, limit=2)
    assert (standing.running, standing.collecting, standing.queued) == (2, 1, 1)
    assert "running 2  collecting 1" in str(standing)


class FakeStates:
    def __init__(self, pages: dict[str, list[dict[str, Any]]]) -> None:
        self.pages = pages

    def get_paginator(self, name: str) -> "FakeStates":
        return FakeStates({"pages": self.pages[name]})

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return self.pages["pages"]


class FakeDeployed:
    outputs: Mapping[str, str] = MappingProxyType({"StateMachineArn": "arn"})

    def client(self, _service: str) -> FakeStates:
        execution = {"executions": [{"name": "run-1-001-1", "executionArn": "e"}, {"name": "x-1"}]}
        events = [{"type": "TaskStateEntered"}, {"type": "TaskStateExited"}]
        return FakeStates(
            {"list_executions": [execution], "get_execution_history": [{"events": events}]}
        )

    def ledger(self) -> dict[str, Any]:
        def job(job_id: str, seconds: float) -> dict[str, Any]:
            ends = {"created": 1004.0, "ended": 1004.0 + seconds}
            return {"SnapshotJobId": job_id, "seconds": seconds, **ends}

        def call(job_id: str, outcome: str, running: int) -> dict[str, Any]:
            of_one_poll = {"operation": DESCRIBE, "time": 1026.0, "lost": False}
            return {
                "SnapshotJobId": job_id, "outcome": outcome, "running": running, **of_one_poll
            }  # fmt: skip

        return {
            "limit": 2,
            "jobs": [job("run-1-001-1", 10.0), job("run-1-002-1", 20.0), job("old-001-1", 99.0)],
            "calls": [call("run-1-001-1", "OK", 2), call("old-001-1", "ThrottlingException", 9)],
        }


def test_a_run_counts_its_own_jobs_and_calls_only() -> None:
    exports = [
        {"status": "COMPLETED", "finished_at": 1030.0},
        {"status": "FAILED", "finished_at": 1010.0},
    ]
    measures: Measures = measure(FakeDeployed(), "run-1", exports, sent_at=1000.0)  # type: ignore[arg-type]
    assert measures.closing_line() == (
        "exports: 1 completed, 1 failed | peak running 2 of 2 | throttled 0 | limit exceeded 0 | "
        "makespan 30.0 s, bound 20.0 s, ratio 1.50"
    )
    per_export = (measures.state_transitions_per_export, measures.quicksight_calls_per_export)
    assert per_export == (0.5, 0.5)
    assert measures.explanation() == "", "a run in which exports failed explains nothing"


def test_a_run_says_where_the_time_beyond_the_bound_went() -> None:
    exports = [{"status": "COMPLETED", "finished_at": at} for at in (1027.0, 1024.5)]
    measures: Measures = measure(FakeDeployed(), "run-1", exports, sent_at=1000.0)  # type: ignore[arg-type]
    said = measures.explanation()
    for part in ("4.0 s until every slot had its first job", "1.0 s until the last file"):
        assert part in said


def test_a_state_file_of_a_dead_account_is_cleared_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    monkeypatch.setattr(kept, "_STATE", state)
    monkeypatch.setattr(kept, "ACCOUNT_DIR", tmp_path)
    ours = ProcessIdentity.of(os.getpid())
    assert ours is not None
    content = {
        "processes": [{"pid": ours.pid, "started": "long ago"}],
        "endpoint_url": "http://127.0.0.1:4",
        "quicksight_url": "http://127.0.0.1:5",
        "ca_file": "ca.pem",
    }
    state.write_text(json.dumps(content))
    assert kept.find_kept() is None
    assert not state.exists() and ours.is_alive()
    state.write_text("not JSON")
    assert kept.find_kept() is None and not kept.forget()


def test_an_error_is_told_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise CommandError("the reason")

    def interrupt() -> int:
        raise KeyboardInterrupt

    assert run_command(fail, logs="/the/logs") == 1
    assert capsys.readouterr().err == "error: the reason\nlogs: /the/logs\n"
    assert run_command(interrupt, logs="/the/logs") == 130

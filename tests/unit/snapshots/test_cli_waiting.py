"""What is shown while a command waits, and what it says when it is interrupted."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from snapshots.following import choose_to_read, follow_burst, follow_exports, progress_of
from snapshots.invocation import Invocation
from snapshots.live_status import Standing, draw
from tests.unit.snapshots.conftest import Run
from tests.unit.snapshots.stub import StubApi, new_export

REQUEST = {"DashboardId": "sales"}
ROOT = Path(__file__).parents[3]
SLOTS = 12


class Service:
    """Exports in the order of a backlog, SLOTS of them running; as its time passes, some end."""

    def __init__(self, count: int) -> None:
        self.exports = {
            f"e{number}": {"ExportId": f"e{number}", "Status": "QUEUED", "ExpectedEnd": end}
            for number in range(count)
            if (end := f"2026-11-23T10:{number // 60:02}:{number % 60:02}Z")
        }
        self.reads = 0
        self.pass_time(0)

    def pass_time(self, ends: int) -> None:
        for export in self.with_status("RUNNING")[:ends]:
            export["Status"] = "COMPLETED"
        free = SLOTS - len(self.with_status("RUNNING"))
        for export in self.with_status("QUEUED")[:free]:
            export["Status"] = "RUNNING"

    def with_status(self, status: str) -> list[dict[str, Any]]:
        return [export for export in self.exports.values() if export["Status"] == status]

    def get(self, _kind: str, export_id: str) -> Mapping[str, Any]:
        self.reads += 1
        return dict(self.exports[export_id])


def invocation_of(api: Any, err: Console) -> Invocation:
    found = Invocation("s", None, None, False, None, False, err=err)
    found.__dict__["api"] = api
    return found


def test_all_of_many_exports_are_counted_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    service, written = Service(500), io.StringIO()
    truths: list[str] = []

    def sleep(_seconds: float) -> None:
        service.pass_time(ends=3)
        running, done = (len(service.with_status(each)) for each in ("RUNNING", "COMPLETED"))
        truths.append(f"{done}/500 ended: {running} running, {500 - running - done} waiting")

    monkeypatch.setattr("snapshots.following.time.sleep", sleep)
    invocation = invocation_of(service, Console(file=written))
    found = follow_exports(invocation, [*service.exports], timeout=None)
    assert len(found) == 500 and {each["Status"] for each in found.values()} == {"COMPLETED"}
    printed = written.getvalue().splitlines()
    assert [line.removesuffix(", 0 failed") for line in printed[1:]] == truths
    assert service.reads <= (SLOTS + 48) * len(printed)


def test_a_round_reads_what_runs_the_next_and_some_of_those_read_long_ago() -> None:
    waiting = [f"e{number}" for number in range(200)]
    found = {
        each: {"Status": "QUEUED", "ExpectedEnd": f"2026-11-23T10:00:00.{999 - number}Z"}
        for number, each in enumerate(waiting)
        if number >= 30
    }
    found |= {each: {"Status": "RUNNING"} for each in waiting[60:90]}
    chosen = choose_to_read(waiting, found)
    assert chosen == [*waiting[60:90], *reversed(waiting[170:200]), *waiting[:24]]
    assert choose_to_read(waiting[:48], found) == waiting[:48]


def burst(status: str, **counts: int) -> dict[str, Any]:
    every = dict.fromkeys(("Accepted", "Refused", "Completed", "Failed", "Cancelled"), 0) | counts
    total = every["Accepted"] + every["Refused"]
    return {"BurstId": "b", "Status": status, "Counts": {"Total": total, **every}}


@pytest.mark.parametrize(
    ("found", "progress"),
    [
        (burst("EXPANDING", Accepted=99, Completed=3), (3, None)),
        (burst("RUNNING", Accepted=90, Refused=10, Completed=40, Failed=4, Cancelled=1), (45, 90)),
        (burst("COMPLETED_WITH_FAILURES", Accepted=2, Refused=8, Completed=2), (2, 2)),
    ],
)
def test_the_progress_of_a_burst_is_what_ended_of_what_was_accepted(
    found: dict[str, Any], progress: tuple[int, int | None]
) -> None:
    assert progress_of(found) == progress


def test_the_bar_of_a_burst_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(
        [
            burst("EXPANDING"),
            burst("RUNNING", Accepted=4, Refused=1, Completed=2),
            burst("COMPLETED_WITH_FAILURES", Accepted=4, Refused=1, Completed=4),
        ]
    )
    shown: list[tuple[int, int | None]] = []

    @contextmanager
    def progress(_console: Console) -> Iterator[Any]:
        yield lambda done, total, *_: shown.append((done, total))

    class Api:
        def get(self, *_: str) -> dict[str, Any]:
            return next(answers)

    monkeypatch.setattr("snapshots.following._FIRST_PAUSE", 0)
    monkeypatch.setattr("snapshots.following._progress", progress)
    follow_burst(invocation_of(Api(), Console(file=io.StringIO())), "b", timeout=None)
    assert shown == [(0, None), (2, 4), (4, 4)]


@pytest.mark.parametrize("width", [50, 80])
def test_the_bar_on_a_terminal_is_full_at_the_end_and_counts(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr("snapshots.following._FIRST_PAUSE", 0)
    answers = iter(
        [burst("RUNNING", Accepted=4, Completed=2), burst("COMPLETED", Accepted=4, Completed=4)]
    )

    class Api:
        def get(self, *_: str) -> dict[str, Any]:
            return next(answers)

    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=width, no_color=True)
    follow_burst(invocation_of(Api(), console), "b", timeout=None)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written.getvalue())
    last = text[text.rindex("4/4") - width :]
    assert "━" in last and "╺" not in last and max(map(len, last.splitlines())) <= width
    printed = "completed: 4 completed, 0 failed, 0 cancelled, 0 refused of 4"
    assert " ".join(last.split()).endswith(printed)


@contextmanager
def waiting_process(api: StubApi, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command line as a process, once it has read an export or a burst."""
    environment = os.environ | {"SNAPSHOTS_TOKEN": "t", "SNAPSHOTS_API_URL": api.url}
    command = [sys.executable, "-m", "snapshots.main", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        limit = time.monotonic() + 60
        while not any(method == "GET" and path.count("/") == 2 for method, path, *_ in api.calls):
            assert time.monotonic() < limit and process.poll() is None
            time.sleep(0.01)
        yield process


def test_ctrl_c_names_what_goes_on_and_how_to_look_at_it_and_cancel_it(
    api: StubApi, tmp_path: Path
) -> None:
    api.stands_still = True
    source = tmp_path / "requests.jsonl"
    source.write_text("".join(json.dumps({"ExportId": each, **REQUEST}) + "\n" for each in "abc"))
    arguments = ("--region", "eu-west-1", "submit", str(source), "--wait")
    with waiting_process(api, *arguments) as process:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-3:] == [
        "interrupted: 3 not ended; they go on",
        "to look:   snapshots --region eu-west-1 watch",
        "to cancel: snapshots --region eu-west-1 cancel a b c",
    ]


def test_ctrl_c_names_the_burst_that_goes_on(
    run: Run, api: StubApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("snapshots.following.time.sleep", interrupted)
    source = tmp_path / "burst.json"
    source.write_text(json.dumps({"BurstId": "my b", "Template": REQUEST, "Recipients": [{}]}))
    result = run("burst", str(source), "--wait")
    assert result.code == 130
    assert result.err.splitlines()[-3:] == [
        "interrupted: 1 not ended; it goes on",
        "to look:   snapshots status 'my b' --wait",
        "to cancel: snapshots cancel 'my b'",
    ]
    found = json.loads(run("burst", str(source), "--wait", "--json").err.splitlines()[-1])
    assert found["Code"] == "INTERRUPTED" and "snapshots cancel 'my b'" in found["Message"]


def test_ctrl_c_while_submitting_names_what_was_accepted(
    run: Run, api: StubApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = tmp_path / "requests.json"
    source.write_text(json.dumps([{"ExportId": f"e{n}", **REQUEST} for n in range(300)]))

    def interrupted(answers: Iterator[Any], **_: Any) -> Iterator[Any]:
        yield next(answers)
        raise KeyboardInterrupt

    monkeypatch.setattr("snapshots.commands.submit.track", interrupted)
    result = run("submit", str(source), "--wait")
    accepted = len(api.exports)
    assert result.code == 130 and 1 <= accepted < 300, "what was not sent yet is not sent"
    first, _, cancel = result.err.splitlines()[-3:]
    assert first.startswith(f"interrupted while submitting: {accepted} of 300 accepted: ")
    assert {*cancel.removeprefix("to cancel: snapshots cancel ").split()} == {*api.exports}


def test_when_time_is_up_what_goes_on_is_named_too(run: Run, api: StubApi) -> None:
    api.exports["a"] = new_export("a", REQUEST)
    api.stands_still = True
    result = run("status", "a", "--wait", "--timeout", "1s")
    assert result.code == 6
    assert result.err.splitlines()[-3:] == [
        "error: time is up: 1 not ended; it goes on",
        "to look:   snapshots status a --wait",
        "to cancel: snapshots cancel a",
    ]


def standing_of(found: dict[str, Any], **capacity: Any) -> Standing:
    known = {"Running": 0, "Limit": 12, "Waiting": 0, "CompletedLastHour": 2} | capacity
    now = datetime(2026, 11, 23, tzinfo=UTC)
    return Standing(at=now, title="s", capacity=known, failed="0", pace=None,
                    seconds_left=0.0, burst=found)  # fmt: skip


def drawn(standing: Standing, width: int) -> list[str]:
    written = io.StringIO()
    Console(file=written, width=width, force_terminal=True, no_color=True).print(draw(standing))
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written.getvalue()).splitlines()


def test_the_watched_bursts_bar_is_full_when_all_that_was_accepted_has_ended() -> None:
    found = burst("COMPLETED_WITH_FAILURES", Accepted=2, Refused=8, Completed=2)
    bar = next(line for line in drawn(standing_of(found), 60) if "━" in line)
    assert bar.count("━") == 56 and "╺" not in bar


@pytest.mark.parametrize("width", [50, 80])
def test_nothing_that_is_watched_is_cut(width: int) -> None:
    found = burst("RUNNING", Accepted=298, Refused=2, Completed=100) | {"BurstId": "b" * 48}
    lines = drawn(standing_of(found, Running=50, Limit=60, Ceiling=50), width)
    text = "".join(lines)
    assert max(map(len, lines)) == width and "…" not in text
    assert (text.count("█"), text.count("░")) == (50, 10)
    words = "".join(text.replace("│", " ").split())
    printed = "running: 100 completed, 0 failed, 0 cancelled, 2 refused of 300"
    for each in ("50 of 60 held", "b" * 48 + printed, "or the limit is too high", "any moment"):
        assert each.replace(" ", "") in words

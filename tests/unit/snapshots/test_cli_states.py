"""Every status that the API can answer is handled wherever a command waits for an end."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from snapshot_export.domain.burst import BurstStatus
from snapshot_export.domain.export import Status
from snapshots.following import describe_standing, has_ended
from tests.unit.snapshots.conftest import Run
from tests.unit.snapshots.stub import StubApi, new_export

TEMPLATE = {"DashboardId": "d"}
BURST_ENDS = [status.value for status in BurstStatus if status.is_end]
EXPORT_ENDS = [status.value for status in Status if status.is_end]


@pytest.mark.parametrize("status", [*Status, *BurstStatus])
def test_what_has_ended_is_what_the_api_calls_an_end(status: Status | BurstStatus) -> None:
    assert has_ended({"Status": status.value}) is status.is_end


@pytest.mark.parametrize("end", BURST_ENDS)
def test_burst_status_and_watch_wait_no_longer_than_the_burst(
    run: Run, api: StubApi, tmp_path: Path, end: str
) -> None:
    api.burst_ends_as = end
    source = tmp_path / "burst.json"
    source.write_text(json.dumps({"BurstId": "b", "Template": TEMPLATE, "Recipients": [{}]}))
    commands = (
        ["burst", str(source), "--wait", "--timeout", "20s", "--json"],
        ["status", "b", "--wait", "--timeout", "20s", "--json"],
        ["watch", "--burst", "b", "--interval", "0.5", "--json"],
    )
    for arguments in commands:
        result = run(*arguments)
        assert result.code == (0 if end == "COMPLETED" else 1), (arguments, result)
        last = json.loads(result.out.splitlines()[-1]) if "watch" in arguments else result.json
        assert (last["Burst"] if "watch" in arguments else last)["Status"] == end


@pytest.mark.parametrize("end", EXPORT_ENDS)
def test_submit_and_status_wait_no_longer_than_the_export(
    run: Run, api: StubApi, tmp_path: Path, end: str
) -> None:
    api.ends_as = lambda _: end
    source = tmp_path / "export.json"
    source.write_text(json.dumps({"ExportId": "e", **TEMPLATE}))
    for arguments in (["submit", str(source)], ["status", "e"]):
        result = run(*arguments, "--wait", "--timeout", "20s", "--json")
        assert result.code == (0 if end == "COMPLETED" else 1), result


def test_a_burst_that_failed_says_so_with_its_most_frequent_reason(
    run: Run, api: StubApi, tmp_path: Path
) -> None:
    api.burst_ends_as = "FAILED"
    api.reasons = [{"Code": "SHEET_NOT_FOUND", "Count": 2, "Message": "no such [sheet]"}]
    source = tmp_path / "burst.json"
    source.write_text(json.dumps({"BurstId": "b", "Template": TEMPLATE, "Recipients": [{}]}))
    result = run("burst", str(source), "--wait", "--timeout", "20s")
    first = "2 of 2 exports failed, all of them with SHEET_NOT_FOUND: no such [sheet]"
    assert result.code == 1 and result.out.splitlines()[0] == first
    assert run("status", "b").out.splitlines()[0] == first


def test_tables_and_lists_have_a_word_for_what_is_collected(run: Run, api: StubApi) -> None:
    api.stands_still = True
    for export_id, collecting in (("a", True), ("b", False)):
        running = {"Status": "RUNNING", "Collecting": collecting}
        api.exports[export_id] = new_export(export_id, TEMPLATE) | running
    assert re.search("^a +COLLECTING", run("list").out, re.MULTILINE)
    assert re.search("^b +RUNNING", run("list").out, re.MULTILINE)
    assert "COLLECTING" in run("status", "a").out and "RUNNING" in run("status", "b").out


def test_a_ceiling_is_not_put_down_to_others_alone(run: Run, api: StubApi) -> None:
    assert "ceiling" not in run("capacity").out + run("watch", "--once").out
    api.capacity |= {"Limit": 20, "Ceiling": 12}
    for result in (run("capacity"), run("watch", "--once")):
        assert (
            "12: QuickSight refuses more; others use slots, or the limit is too high" in result.out
        )


def test_what_is_collected_holds_no_slot_and_is_not_called_running() -> None:
    exports: list[dict[str, Any]] = [
        {"Status": "RUNNING"},
        {"Status": "RUNNING", "Collecting": True},
    ]
    assert describe_standing(exports, 3) == "1 running, 1 collecting, 1 waiting, 0 failed"

"""What is shown in narrow and wide terminals: nothing cut, nothing left out without a word."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.unit.snapshots.conftest import Run
from tests.unit.snapshots.stub import StubApi, new_export

REQUEST = {"DashboardId": "sales-of-the-north", "UserConfiguration": {}}
LONG_ID = "0b9c3a52-6f0e-4d0a-9d1b-5a8f7c1e2d34"
REASON = "ACCESS_DENIED: the user who is registered for this has no right to see the dashboard"
ENDED_AT = "2020-02-29T23:59:59Z"
WIDTHS = [None, 20, 50, 80, 200]


@pytest.fixture(params=WIDTHS, ids=[f"{width or 'piped'}" for width in WIDTHS])
def width(request: pytest.FixtureRequest, outputs: object, monkeypatch: pytest.MonkeyPatch) -> int:
    """Columns of the terminal; 1000 where there is none."""
    columns: int | None = request.param
    if columns:
        monkeypatch.setenv("COLUMNS", str(columns))
    return columns or 1000


@pytest.fixture
def failed(api: StubApi) -> StubApi:
    """Two exports, one of them failed."""
    code, _, message = REASON.partition(": ")
    ended = {"AcceptedAt": "2020-02-29T23:59:00Z", "FinishedAt": ENDED_AT}
    for export_id, end in (
        ("fine", {"Status": "COMPLETED"}),
        (LONG_ID, {"Status": "FAILED", "Error": {"Code": code, "Message": message}}),
    ):
        api.exports[export_id] = new_export(export_id, REQUEST) | ended | end
    return api


@pytest.mark.parametrize("command", [["list"], ["status", LONG_ID], ["status", LONG_ID, "--wait"]])
def test_a_reason_is_the_first_line_and_whole(
    run: Run, failed: StubApi, width: int, command: list[str]
) -> None:
    assert run(*command).out.splitlines()[0] == f"FAILED {LONG_ID}: {REASON}"


def test_reasons_of_several_that_are_waited_for_come_first_and_whole(
    run: Run, api: StubApi, width: int, tmp_path: Path
) -> None:
    api.ends_as = lambda export_id: "FAILED" if export_id == LONG_ID else "COMPLETED"
    source = tmp_path / "requests.json"
    source.write_text(json.dumps([{**REQUEST, "ExportId": each} for each in ("fine", LONG_ID)]))
    result = run("submit", str(source), "--wait")
    assert result.code == 1
    assert result.out.splitlines()[0] == f"FAILED {LONG_ID}: ACCESS_DENIED: no such right"


def test_no_row_is_longer_than_the_terminal_and_no_cell_is_cut(
    run: Run, failed: StubApi, width: int
) -> None:
    result = run("list")
    lines = result.out.splitlines()[1:]
    names = ["export", "status", "took", "dashboard", "accepted", "ended"]
    values = [LONG_ID, "FAILED", "59 s", "sales-of-the-north", None, None]
    if width == 20:  # not even id and status have room: a list, which only a terminal wraps
        names_shown = names
        assert f"export     {LONG_ID}" in lines
    else:
        assert max(map(len, lines)) <= width
        names_shown = lines[0].split()
        assert set(names_shown) >= {"export", "status"}
    for name, value in zip(names, values, strict=True):
        assert value is None or (value in " ".join(lines)) == (name in names_shown)
    left_out = [name for name in names if name not in names_shown]
    told = f"no room for: {', '.join(left_out)}; --json has everything\n" if left_out else ""
    assert result.err == told
    assert bool(left_out) == (width in (50, 80))


def test_a_column_has_room_from_exactly_its_width(
    run: Run, failed: StubApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    needed = max(len(line.rstrip()) for line in run("list").out.splitlines()[1:])
    for columns, fits in ((needed, True), (needed - 1, False)):
        monkeypatch.setenv("COLUMNS", str(columns))
        result = run("list")
        assert ("took" in result.out) is fits and ("took" in result.err) is not fits


def test_schedules_keep_their_name_and_time_in_every_terminal(
    run: Run, api: StubApi, width: int
) -> None:
    expression = "cron(30 2 ? * MON-FRI *)"
    api.schedules["every-morning"] = {
        "Name": "every-morning", "State": "ENABLED", "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": "America/Argentina/ComodRivadavia", "Kind": "Burst",
    }  # fmt: skip
    result = run("schedule", "list")
    assert "every-morning" in result.out and expression in result.out
    assert width == 20 or max(map(len, result.out.splitlines())) <= width


def test_addresses_of_files_and_lines_of_refusals_are_whole(
    run: Run, api: StubApi, width: int
) -> None:
    key = "s3://bucket/" + "exports/of/a/name/that/is/long/" * 3 + "file.pdf"
    export = new_export("a", REQUEST) | {"Status": "COMPLETED"}
    export["Files"] = [{"FormatType": "PDF", "S3Uri": key, "Size": 4, "Error": None}]
    api.exports["a"] = export
    assert f"PDF (4 bytes) {key}\n" in run("status", "a").out
    api.answer("POST", "/bursts", {}, {"BurstId": "b", "Template": REQUEST})
    rule = "must be one of a long list of words that has no room in any cell of a table"
    api.bursts["b"]["Refusals"] = [{"Line": 7, "Problems": [{"Place": "Priority", "Rule": rule}]}]
    assert re.search(f"^line 7 +Priority: {rule}$", run("status", "b").out, re.MULTILINE)

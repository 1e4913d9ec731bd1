"""snapshots plan: what is asked of the API, and what people are told."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from snapshots.commands.plan import _of_requests
from tests.support.messages import message, pdf_group, visuals_group
from tests.unit.snapshots.conftest import Run
from tests.unit.snapshots.stub import StubApi


def planned(api: StubApi) -> Any:
    method, path, _, body = api.calls[-1]
    assert (method, path) == ("POST", "/forecast")
    return body


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_recipients_are_counted_whatever_ends_their_lines(
    run: Run, api: StubApi, tmp_path: Path, end: str
) -> None:
    template, people = tmp_path / "template.json", tmp_path / "people.csv"
    template.write_text(json.dumps(message(None)))
    column = "parameter:string:note"
    people.write_bytes(f'RecipientId,{column}{end}1,"a{end}b"{end}2,c{end}{end}3,d'.encode())
    assert run("plan", "--template", str(template), "--manifest", str(people)).code == 0
    assert planned(api)["Exports"][0]["Count"] == 3
    lines = tmp_path / "people.jsonl"
    lines.write_bytes(f'{{"RecipientId": "1"}}{end}{end}{{"RecipientId": "2"}}{end}'.encode())
    assert run("plan", "--template", str(template), "--manifest", str(lines)).code == 0
    assert planned(api)["Exports"][0]["Count"] == 2


def test_a_dashboard_is_planned_with_its_formats_and_count(run: Run, api: StubApi) -> None:
    result = run("plan", "--dashboard", "d", "--formats", "pdf,csv", "--count", "300")
    assert result.code == 0, result.err
    assert planned(api) == {
        "Exports": [{"DashboardId": "d", "Formats": ["PDF", "CSV"], "Count": 300}]
    }
    told = {line.split("  ")[0]: line for line in result.out.splitlines()}
    assert "300" in told["exports"] and "3 running, 7 waiting" in told["before them"]
    assert (
        "in 5 min 0 s" in told["done about"] and "in 6 min 0 s (19 of 20)" in told["at the latest"]
    )
    assert "50% of these" in told["learned"] and "deadline" not in told


def test_a_deadline_is_told_with_its_chance_and_the_latest_safe_start(
    run: Run, api: StubApi
) -> None:
    result = run("plan", "--dashboard", "d", "--deadline", "2h", "--priority", "2")
    assert planned(api)["Priority"] == 2 and planned(api)["Deadline"].endswith("Z")
    assert "97%" in result.out and "latest safe start" in result.out


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("list.csv", 'RecipientId,tag:a\nr1,x\n\nr2,"y,y"\nr3,\n', 2),
        ("list.jsonl", '{"RecipientId": "a"}\n\n{"RecipientId": "b"}\n{}\n', 3),
    ],
)
def test_a_template_is_planned_for_each_recipient_of_its_manifest(
    run: Run, api: StubApi, tmp_path: Path, name: str, text: str, count: int
) -> None:
    template, manifest = tmp_path / "template.json", tmp_path / name
    template.write_text(json.dumps(message(None, groups=[pdf_group(), visuals_group("CSV", "v")])))
    manifest.write_text(text)
    result = run("plan", "--template", str(template), "--manifest", str(manifest), "--json")
    assert result.code == 0 and result.json["Count"] == count
    (exports,) = planned(api)["Exports"]
    assert exports == {"DashboardId": "sales-overview", "Formats": ["PDF", "CSV"], "Count": count}
    assert "cust-0001" not in json.dumps(planned(api)), "ids and formats are all that is sent"


def test_requests_are_planned_as_submit_takes_them(run: Run, api: StubApi, tmp_path: Path) -> None:
    source = tmp_path / "requests.jsonl"
    lines = [message(f"e-{n}", dashboard="a" if n % 3 else "b") for n in range(6)]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run("plan", str(source)).code == 0
    counts = {each["DashboardId"]: each["Count"] for each in planned(api)["Exports"]}
    assert counts == {"a": 4, "b": 2}


def test_a_plan_is_of_the_target_that_its_requests_name_or_the_one_given(
    run: Run, api: StubApi, tmp_path: Path
) -> None:
    source = tmp_path / "requests.jsonl"
    request = message(None)
    partners = request | {"Target": "partner"}
    source.write_text("\n".join(json.dumps(each) for each in (partners, partners)))
    assert run("plan", str(source)).code == 0
    assert planned(api)["Target"] == "partner"
    source.write_text("\n".join(json.dumps(each) for each in (partners, request)))
    assert run("plan", str(source)).code == 2
    assert run("plan", str(source), "--target", "ireland").code == 0
    assert planned(api)["Target"] == "ireland"
    assert run("plan", "--target", "partner").code == 0
    assert api.calls[-1][:3] == ("GET", "/forecast", {"Target": "partner"})


def test_without_anything_planned_all_that_waits_is_told(run: Run, api: StubApi) -> None:
    assert "nothing runs or waits" in run("plan").out
    api.forecast |= {
        "Running": 12, "Waiting": 300, "WaitingIsAtLeast": True, "LearnedShare": 1.0,
        "FinishP50": "2026-11-23T10:20:00Z", "FinishP95": "2026-11-23T10:25:00Z",
        "Bursts": [{"BurstId": "night", "Open": 200, "FinishP50": "2026-11-23T10:15:00Z",
                    "FinishP95": "2026-11-23T10:19:00Z", "Deadline": "2026-11-23T10:10:00Z",
                    "ChanceToMeetDeadline": 0.01}],
    }  # fmt: skip
    told = run("plan").out
    assert "12 running, 300+ waiting" in told and "in 20 min 0 s" in told
    assert "night" in told and "1%" in told
    assert "waits for" not in told


def test_what_waits_for_data_is_shown_also_where_nothing_else_waits(run: Run, api: StubApi) -> None:
    api.forecast["WaitingForData"] = [
        {"DataSetIds": ["sales", "stock"], "Since": "2026-11-23T05:00:00Z", "Requests": 1000,
         "Until": "2026-11-23T10:30:00Z", "Otherwise": "HOLD", "RequestsIsAtLeast": True,
         "RefreshSeconds": 600},
    ]  # fmt: skip
    shown = run("plan").out
    assert "nothing runs or waits" in shown
    for each in ("sales, stock", "1000+", "hold", "up to 10 min"):
        assert each in shown, each


@pytest.mark.parametrize(
    "arguments",
    [
        ["--dashboard", "d", "--template", "t.json"],
        ["--count", "3"],
        ["--template", "t.json"],
        ["--template", "t.json", "--manifest", "s3://b/list.csv"],
        ["--template", "t.json", "--manifest", "list.xls"],
    ],
)
def test_wrong_usage_is_told_in_a_line(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "t.json").write_text(json.dumps(message(None)))
    (tmp_path / "list.xls").write_text("x")
    places = [str(tmp_path / each) if each[0] in "tl" else each for each in arguments]
    result = run("plan", *places)
    assert result.code == 2 and result.err.startswith("error: ") and result.err.count("\n") == 1


def test_the_sheets_of_a_dashboard_are_asked_for_once_however_many_requests_merge_them(
    tmp_path: Path,
) -> None:
    asked: list[tuple[str, ...]] = []

    def get(*path: str, query: dict[str, str | None]) -> dict[str, Any]:
        asked.append((*path, str(query["Target"])))
        return {"Sheets": [{"SheetId": "a"}, {"SheetId": "b"}]}

    invocation: Any = SimpleNamespace(api=SimpleNamespace(get=get))
    request = {"DashboardId": "d", "Merge": {"FormatType": "PDF", "Sheets": "ALL"}}
    lines = tmp_path / "requests.jsonl"
    lines.write_text(f"{json.dumps(request)}\n" * 3)

    found, _ = _of_requests(invocation, str(lines), 2, "ireland")

    assert found == {("d", ("PDF", "PDF")): 6}
    assert asked == [("dashboards", "d", "ireland")]

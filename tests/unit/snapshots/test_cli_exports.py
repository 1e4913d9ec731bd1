"""submit, status, list and cancel against the contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.snapshots.conftest import Run
from tests.unit.snapshots.stub import FILE, StubApi, new_export

REQUEST = {"DashboardId": "sales", "UserConfiguration": {}, "SnapshotConfiguration": {}}


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([{**REQUEST, "ExportId": "a"}, {**REQUEST, "ExportId": "b"}], indent=1),
        "\n".join(json.dumps({**REQUEST, "ExportId": each}) for each in "ab") + "\n\n",
        "\ufeff" + json.dumps([{**REQUEST, "ExportId": "a"}, {**REQUEST, "ExportId": "b"}]),
    ],
    ids=["array", "lines", "byte order mark"],
)
def test_every_form_of_file_is_submitted_in_order(run: Run, tmp_path: Path, text: str) -> None:
    result = run("submit", write(tmp_path / "requests", text), "--json")
    assert result.code == 0, result.err
    assert [each["ExportId"] for each in result.json["Exports"]] == ["a", "b"]
    assert result.json["Refused"] == []


def test_a_request_without_id_is_given_one_that_is_sent(
    run: Run, api: StubApi, tmp_path: Path
) -> None:
    source = write(tmp_path / "one.json", json.dumps(REQUEST))
    assert run("submit", source).code == 0
    assert run("submit", source, "--id-prefix", "daily").code == 0
    first, second = api.exports
    assert len(first) == 36 and second == "daily-1"


def test_an_answer_that_is_lost_is_asked_for_again(run: Run, api: StubApi, tmp_path: Path) -> None:
    api.faults = [503, 429, 502]
    assert run("submit", write(tmp_path / "one.json", json.dumps(REQUEST))).code == 0
    posted = [body for method, _, _, body in api.calls if method == "POST"]
    assert len(posted) == 4 and all(body == posted[0] for body in posted)
    assert len(api.exports) == 1


def test_a_wrong_request_is_named_by_its_line_and_its_neighbours_are_accepted(
    run: Run, api: StubApi, tmp_path: Path
) -> None:
    lines = [{**REQUEST, "ExportId": "a"}, {"ExportId": "b"}, {**REQUEST, "ExportId": "c"}]
    source = write(tmp_path / "r.jsonl", "\n".join(map(json.dumps, lines)))
    result = run("submit", source, "--json")
    assert result.code == 2 and set(api.exports) == {"a", "c"}
    assert result.err == "error: line 2: DashboardId: is required\n"
    assert result.json["Refused"][0]["Place"] == "line 2"


def test_the_same_id_with_another_body_is_a_conflict(run: Run, tmp_path: Path) -> None:
    first = write(tmp_path / "1", json.dumps({**REQUEST, "ExportId": "a"}))
    other = write(tmp_path / "2", json.dumps({**REQUEST, "ExportId": "a", "Name": "x"}))
    assert [run("submit", each).code for each in (first, first, other)] == [0, 0, 5]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("[1]", "item 1 must be a JSON object"),
        ('{"a": 1}\n{"b": }', "line 2, column 7"),
        ('{"a": \n}', "line 2, column 1"),
        ('{"a": 1, "a": 2}', "member a is named twice"),
        ('{"a": NaN}', "NaN is no JSON number"),
    ],
)
def test_a_file_that_is_no_json_is_told_in_one_line(
    run: Run, tmp_path: Path, text: str, told: str
) -> None:
    result = run("submit", write(tmp_path / "bad", text))
    assert result.code == 2 and told in result.err
    assert result.err.startswith("error: ") and result.err.count("\n") == 1


def test_waiting_ends_with_the_exports_and_their_files(
    run: Run, api: StubApi, tmp_path: Path
) -> None:
    lines = "\n".join(json.dumps({**REQUEST, "ExportId": f"e{n}"}) for n in range(60))
    source = write(tmp_path / "r.jsonl", lines)
    result = run("submit", source, "--download", str(tmp_path / "files"), "--json")
    assert result.code == 0, result.err
    assert {each["Status"] for each in result.json["Exports"]} == {"COMPLETED"}
    assert len(result.json["Downloaded"]) == 60
    assert (tmp_path / "files" / "e7" / "e7.pdf").read_bytes() == FILE
    assert not [*(tmp_path / "files").rglob("*.part")]


def test_a_failed_export_is_exit_code_1_with_its_reason(
    run: Run, api: StubApi, tmp_path: Path
) -> None:
    api.ends_as = lambda export_id: "FAILED" if export_id == "b" else "COMPLETED"
    text = json.dumps([{**REQUEST, "ExportId": each} for each in "ab"])
    result = run("submit", write(tmp_path / "r", text), "--wait")
    assert result.code == 1 and "ACCESS_DENIED: no such right" in " ".join(result.out.split())
    assert run("status", "a").code == 0
    assert run("status", "b").code == 1


def test_when_time_is_up_the_exports_go_on(run: Run, api: StubApi, tmp_path: Path) -> None:
    api.exports["a"] = new_export("a", REQUEST)
    api.stands_still = True
    result = run("status", "a", "--wait", "--timeout", "1s")
    assert result.code == 6 and "1 not ended" in result.err


def test_an_unknown_id_is_exit_code_3(run: Run) -> None:
    assert run("status", "nobody").code == 3
    assert run("cancel", "nobody").code == 3


def test_a_list_is_filtered_and_paged(run: Run, api: StubApi) -> None:
    for number in range(250):
        export = new_export(f"e{number}", REQUEST)
        api.exports[export["ExportId"]] = export | {"Status": "FAILED" if number % 2 else "QUEUED"}
    assert len(run("list", "--json").json["Exports"]) == 50
    assert len(run("list", "--all", "--json").json["Exports"]) == 250
    page = run("list", "--limit", "120", "--status", "failed", "--json").json
    assert len(page["Exports"]) == 120 and page["NextToken"]
    rest = run("list", "--status", "failed", "--next-token", page["NextToken"], "--json").json
    assert len(rest["Exports"]) == 5 and rest["NextToken"] is None
    result = run("list", "--since", "2h", "--until", "2026-11-23T10:00:00+01:00",
                 "--dashboard", "sales", "--burst", "b", "--recipient", "cust-1")  # fmt: skip
    query = api.calls[-1][2]
    assert query["RecipientId"] == "cust-1"
    assert result.code == 0 and query["To"] == "2026-11-23T09:00:00Z" and query["BurstId"] == "b"


def test_cancelling_goes_on_after_what_has_ended(run: Run, api: StubApi) -> None:
    for export_id, status in (("a", "QUEUED"), ("b", "COMPLETED"), ("c", "RUNNING")):
        api.exports[export_id] = new_export(export_id, REQUEST) | {"Status": status}
    result = run("cancel", "a", "b", "c")
    assert result.code == 5 and "ALREADY_ENDED" in result.err
    assert [api.exports[each]["Status"] for each in "abc"] == [
        "CANCELLED",
        "COMPLETED",
        "CANCELLED",
    ]

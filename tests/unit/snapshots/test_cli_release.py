"""Bursts whose recipients a query finds, and `snapshots release`, against the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.snapshots.conftest import Run
from tests.unit.snapshots.stub import StubApi

TEMPLATE = {"DashboardId": "sales", "SnapshotConfiguration": {}}
HOLD = {
    "Code": "RECIPIENTS_CHANGED",
    "Message": "The query found 2 recipients where 20 are expected.",
    "HeldAt": "2026-11-23T10:00:00Z",
    "HeldUntil": "2026-11-24T10:00:00Z",
    "ReleasedAt": None,
}


@pytest.fixture
def held(api: StubApi) -> str:
    """A burst that is held."""
    api._post_bursts("", {}, {"BurstId": "b", "Template": TEMPLATE, "Recipients": [{}, {}]})
    query = {"QueryExecutionId": "q-1", "Found": 2, "Expected": 20}
    api.bursts["b"] |= {"Status": "HELD", "Hold": HOLD, "Query": query}
    api.stands_still = True
    return "b"


def test_a_held_burst_is_shown_with_both_numbers(run: Run, held: str) -> None:
    result = run("status", held)

    shown = " ".join(result.out.split())
    assert result.code == 1
    assert "2 recipients, 20 expected" in shown
    assert "RECIPIENTS_CHANGED: The query found 2 recipients where 20 are expected." in shown


def test_a_held_burst_is_released_once(run: Run, held: str) -> None:
    result = run("release", held)
    assert (result.code, result.out.strip()) == (0, "b EXPANDING")
    assert run("release", "nobody").code == 3


def test_a_query_comes_from_a_file(run: Run, api: StubApi, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps(TEMPLATE), encoding="utf-8")
    (tmp_path / "q.sql").write_text("SELECT 1", encoding="utf-8")
    given = ["--template", str(tmp_path / "t.json"), "--query", str(tmp_path / "q.sql")]

    result = run("burst", *given, "--work-group", "w", "--database", "d", "--expected-count", "20")

    assert result.code == 0, result.err
    (body,) = [each for method, path, _, each in api.calls if (method, path) == ("POST", "/bursts")]
    query: dict[str, Any] = {"QueryString": "SELECT 1", "WorkGroup": "w", "Database": "d"}
    assert body["Manifest"] == {"Athena": query, "ExpectedCount": 20}


def test_a_query_and_a_list_exclude_each_other(run: Run, tmp_path: Path) -> None:
    body = {"Template": TEMPLATE, "Recipients": [{}]}
    (tmp_path / "b.json").write_text(json.dumps(body), encoding="utf-8")

    assert run("burst", str(tmp_path / "b.json"), "--work-group", "w").code == 2

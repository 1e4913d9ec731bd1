"""`snapshots links revoke`, and how the use of links is shown, against the contract."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.snapshots.conftest import Run
from tests.unit.snapshots.stub import StubApi, new_export

REQUEST = {"DashboardId": "sales"}
USE = {
    "Opened": 2,
    "FirstOpenedAt": "2026-11-23T10:00:00Z",
    "LastOpenedAt": "2026-11-23T11:00:00Z",
    "EndsAt": "2026-12-07T10:00:00Z",
    "RevokedAt": None,
}


def mail(use: dict[str, Any] | None) -> dict[str, Any]:
    return {"To": "a***@example.com", "Status": "SENT", "SentAt": "2026-11-23T09:00:00Z",
            "Error": None, "Links": use}  # fmt: skip


def with_links(api: StubApi, name: str, burst: str | None = None) -> None:
    own = {"Status": "COMPLETED", "BurstId": burst, "Deliveries": [mail(USE), mail(None)]}
    api.exports[name] = new_export(name, REQUEST) | own


def test_links_of_an_export_are_revoked_as_often_as_one_likes(run: Run, api: StubApi) -> None:
    with_links(api, "a")
    for _ in range(2):
        result = run("links", "revoke", "a")
        assert (result.code, result.out.strip()) == (0, "a links of 1 mail revoked")
    assert ("DELETE", "/exports/a/links", {}, None) in api.calls
    assert "revoked" in " ".join(run("status", "a").out.split())


def test_links_of_a_burst_are_those_of_all_its_exports_that_have_some(
    run: Run, api: StubApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.bursts["b"] = {"BurstId": "b"}
    monkeypatch.setattr(api, "_get_bursts", lambda *_: (200, {"BurstId": "b"}))
    for number in (1, 2):
        with_links(api, f"b-{number}", "b")
    api.exports["b-3"] = new_export("b-3", REQUEST) | {"Status": "FAILED", "BurstId": "b"}
    with_links(api, "other")
    result = run("links", "revoke", "b", "--json")
    assert result.code == 0
    assert {each["ExportId"] for each in result.json["Revoked"]} == {"b-1", "b-2"}
    assert api.exports["other"]["Deliveries"][0]["Links"]["RevokedAt"] is None


def test_who_has_no_links_is_a_conflict_and_the_others_go_on(run: Run, api: StubApi) -> None:
    api.exports["none"] = new_export("none", REQUEST) | {"Status": "COMPLETED"}
    with_links(api, "a")
    result = run("links", "revoke", "none", "a")
    assert result.code == 5 and "NO_LINKS" in result.err and "a links of 1 mail" in result.out
    assert run("links", "revoke", "nobody").code == 3


def test_the_status_says_how_often_links_were_opened(run: Run, api: StubApi) -> None:
    with_links(api, "a")
    shown = " ".join(run("status", "a").out.split())
    assert "a***@example.com SENT" in shown and "links opened 2 times, last" in shown
    api.exports["a"]["Deliveries"] = [mail(USE | {"Opened": 0, "LastOpenedAt": None})]
    assert "links not opened yet, until" in " ".join(run("status", "a").out.split())

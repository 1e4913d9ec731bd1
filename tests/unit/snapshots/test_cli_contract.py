"""The stub knows the API's contract as docs/openapi.json has it, so that tests cannot drift."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.snapshots import stub

DOCUMENT = json.loads(
    (Path(__file__).parents[3] / "docs" / "openapi.json").read_text(encoding="utf-8")
)
BODIES = {
    "ExportRequest": stub.EXPORT_MEMBERS,
    "BurstBody": stub.BURST_MEMBERS,
    "RetryBody": stub.RETRY_MEMBERS,
    "ScheduleBody": stub.SCHEDULE_MEMBERS,
    "RunBody": stub.RUN_MEMBERS,
    "CapacityChange": {"Limit", "PausedUntil"},
    "PlanBody": stub.PLAN_MEMBERS,
}
USED = [
    ("post", "/exports"), ("get", "/exports/{export_id}"), ("get", "/exports"),
    ("delete", "/exports/{export_id}"), ("delete", "/exports/{export_id}/links"),
    ("post", "/bursts"), ("get", "/bursts/{burst_id}"),
    ("delete", "/bursts/{burst_id}"), ("post", "/bursts/{burst_id}/retry"),
    ("post", "/bursts/{burst_id}/release"),
    ("get", "/schedules"), ("get", "/schedules/{name}"),
    ("put", "/schedules/{name}"), ("post", "/schedules/{name}/run"),
    ("delete", "/schedules/{name}"), ("get", "/capacity"),
    ("get", "/slots"),
    ("put", "/capacity"), ("get", "/forecast"), ("post", "/forecast"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), USED)
def test_every_call_that_is_used_is_in_the_document(method: str, path: str) -> None:
    assert method in DOCUMENT["paths"][path]


@pytest.mark.parametrize("name", BODIES)
def test_the_stub_takes_no_member_that_the_api_does_not(name: str) -> None:
    schema: dict[str, Any] = DOCUMENT["components"]["schemas"][name]
    assert set(schema["properties"]) >= BODIES[name]


@pytest.mark.parametrize("noun", stub.QUERIES)
def test_the_stub_takes_no_parameter_that_the_api_does_not(noun: str) -> None:
    parameters = DOCUMENT["paths"][f"/{noun}"]["get"]["parameters"]
    assert {parameter["name"] for parameter in parameters} >= stub.QUERIES[noun]

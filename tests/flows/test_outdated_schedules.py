"""A schedule that names what its dashboard no longer has is announced once for each version."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS
from snapshot_export.errors import TransientError
from snapshot_export.flows.periodic.find_outdated import JUDGED_EVERY_SECONDS, MAX_JUDGED
from snapshot_export.flows.periodic.pass_over_schedules import pass_over_schedules
from tests.support.api import call_api
from tests.support.bursts import burst, recipient
from tests.support.messages import message, pdf_group, visuals_group
from tests.support.world import World

SALES = next(each for each in SAMPLE_DASHBOARDS if each.dashboard_id == "sales-overview")
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs/events/snapshot-schedule-outdated.json").read_text("utf-8")
)
GROUPS = [pdf_group("summary"), visuals_group("CSV", "lines")]
Sent = list[dict[str, Any]]


@pytest.fixture
def sent(world: World, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Details of the events that are sent."""
    found: Sent = []
    client: Any = world.services.events._client
    real = client.put_events

    def put_events(Entries: list[dict[str, Any]]) -> Any:
        for entry in Entries:
            assert entry["DetailType"] == "Snapshot Schedule Outdated"
            found.append(json.loads(entry["Detail"]))
        return real(Entries=Entries)

    monkeypatch.setattr(client, "put_events", put_events)
    return found


def put(world: World, name: str = "daily", **request: Any) -> None:
    body = {"ScheduleExpression": "cron(0 6 * * ? *)"} | (
        request or {"Export": message(None, groups=GROUPS)}
    )
    answer = call_api(world.services, "PUT", f"/schedules/{name}", body)
    assert answer.status == 200, answer.body


def publish(world: World, *sheets: Any, **changes: Any) -> None:
    world.quicksight.emulator.put_dashboard(replace(SALES, sheets=sheets, **changes))


def outdated(world: World, after: float = JUDGED_EVERY_SECONDS) -> int:
    world.clock.sleep(after)
    return pass_over_schedules(world.services).outdated


def calls(world: World) -> list[str]:
    return [each["operation"] for each in world.ledger()["calls"]]


def test_what_is_gone_is_named_once_for_each_version(world: World, sent: Sent) -> None:
    put(world)
    assert outdated(world) == 0 and sent == []
    publish(world, SALES.sheets[0])

    assert outdated(world) == 1
    assert outdated(world) == 0, "of the same version"

    (detail,) = sent
    Draft202012Validator(SCHEMA).validate(detail)
    assert (detail["Schedule"], detail["DashboardId"]) == ("daily", "sales-overview")
    assert detail["VersionNumber"] == 2
    assert detail["Missing"] == [{"Part": "SHEET", "Id": "details"}]
    assert detail["Summary"] == "sheet details"
    details = replace(SALES.sheets[1], visuals=SALES.sheets[1].visuals[1:])
    publish(world, details)
    assert outdated(world) == 1
    assert sent[1]["Summary"] == "sheet summary, visual lines"
    assert sent[1]["EventId"] != detail["EventId"]
    publish(world, *SALES.sheets)
    assert outdated(world) == 0


def test_a_burst_and_its_parameters_are_judged_by_its_template(world: World, sent: Sent) -> None:
    template = message(None, groups=GROUPS)
    del template["UserConfiguration"]
    parameters = {"IntegerParameters": [{"Name": "Year", "Values": [2025]}]}
    template["SnapshotConfiguration"]["Parameters"] = parameters
    body = burst(None, [recipient(1)], Template=template)
    put(world, Burst={name: each for name, each in body.items() if name != "BurstId"})
    assert outdated(world) == 0
    publish(world, *SALES.sheets, parameters=SALES.parameters[:1])
    assert outdated(world) == 1
    assert sent[0]["Missing"] == [{"Part": "PARAMETER", "Id": "Year"}]
    assert "2025" not in str(sent[0]["Missing"])


def test_a_dashboard_that_is_gone_is_named_itself(world: World, sent: Sent) -> None:
    put(world, Export=message(None, dashboard="not-there"))
    assert (outdated(world), outdated(world)) == (1, 0)
    Draft202012Validator(SCHEMA).validate(sent[0])
    assert sent[0]["Missing"] == [{"Part": "DASHBOARD", "Id": "not-there"}]
    assert "VersionNumber" not in sent[0]


def test_a_request_that_is_put_right_is_judged_anew(world: World, sent: Sent) -> None:
    put(world, Export=message(None, groups=[pdf_group("gone")]))
    assert outdated(world) == 1
    put(world, Export=message(None, groups=[pdf_group("gone-too")]))
    assert outdated(world) == 1
    put(world)
    assert outdated(world) == 0
    assert [each["Summary"] for each in sent] == ["sheet gone", "sheet gone-too"]


def test_it_costs_a_call_an_hour_and_another_for_a_version(world: World, sent: Sent) -> None:
    put(world)
    assert outdated(world) == 0
    assert calls(world) == ["DescribeDashboard", "DescribeDashboardDefinition"]
    assert outdated(world, after=300) == 0 and len(calls(world)) == 2
    assert outdated(world) == 0 and len(calls(world)) == 3
    assert sent == []


def test_without_its_definition_the_sheets_are_judged(world: World, sent: Sent) -> None:
    put(world)
    refusal = {"Operation": "DescribeDashboardDefinition", "Exception": "AccessDeniedException"}
    world.switch("raise_exception", times=2, **refusal)
    assert outdated(world) == 0
    publish(world, replace(SALES.sheets[1], visuals=()))
    assert (outdated(world), outdated(world)) == (1, 0)
    assert sent[0]["Summary"] == "sheet summary"


def test_a_definition_that_can_be_read_again_is_judged(world: World, sent: Sent) -> None:
    put(world)
    publish(world, SALES.sheets[0], replace(SALES.sheets[1], visuals=()))
    refusal = {"Operation": "DescribeDashboardDefinition", "Exception": "AccessDeniedException"}
    world.switch("raise_exception", **refusal)
    assert (outdated(world), outdated(world)) == (0, 1)
    assert sent[0]["Summary"] == "visual lines"


def test_a_death_before_the_note_announces_the_same_again(
    world: World, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world, Export=message(None, groups=[pdf_group("gone")]))

    def fail(*_: object) -> None:
        raise TransientError("DynamoDB: 500")

    with monkeypatch.context() as broken:
        broken.setattr(world.services.judged_schedules, "note", fail)
        assert outdated(world) == 0
    with monkeypatch.context() as broken:
        broken.setattr(world.services.events, "announce_outdated", fail)
        assert outdated(world) == 0
    assert (outdated(world), outdated(world)) == (1, 0)
    assert len(sent) == 2 and sent[0] == sent[1]


def test_schedules_that_cannot_be_judged_hold_up_no_others(world: World, sent: Sent) -> None:
    for number in range(MAX_JUDGED):
        put(world, f"busy-{number}", Export=message(None, dashboard="monthly-report"))
    world.switch(
        "raise_exception", times=99, DashboardId="monthly-report",
        Operation="DescribeDashboard", Exception="AccessDeniedException",
    )  # fmt: skip
    put(world, "late", Export=message(None, groups=[pdf_group("gone")]))
    assert sum(outdated(world, after=300) for _ in range(2)) == 1
    assert [each["Schedule"] for each in sent] == ["late"]

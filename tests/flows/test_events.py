"""Events as they are really sent, against the schemas that docs/events promises."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from local.quicksight.catalogue import DataSet
from snapshot_export.domain.hold import Hold
from snapshot_export.flows.periodic.start_after_data import start_after_data
from tests.support.bursts import burst, csv_manifest, recipient
from tests.support.messages import message, pdf_group, visuals_group
from tests.support.world import World

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCHEMAS = {
    schema["title"]: schema
    for schema in (
        json.loads(path.read_text(encoding="utf-8")) for path in (DOCS / "events").glob("*.json")
    )
}
Sent = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def sent(world: World, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Detail type and detail of each event."""
    found: Sent = []
    client: Any = world.services.events._client
    real = client.put_events

    def put_events(Entries: list[dict[str, Any]]) -> Any:
        assert {entry["Source"] for entry in Entries} == {"snapshot-export"}
        found.extend((entry["DetailType"], json.loads(entry["Detail"])) for entry in Entries)
        return real(Entries=Entries)

    monkeypatch.setattr(client, "put_events", put_events)
    return found


def test_events_that_are_sent_keep_their_schemas(world: World, sent: Sent) -> None:
    groups = [pdf_group(), visuals_group("CSV", "lines")]
    world.switch("fail_job", SnapshotJobId="broken-", ErrorType="DATASET_DELETED")
    world.switch("fail_file", SnapshotJobId="half-", FileGroup=1, ErrorType="DATASET_DELETED")
    world.send(message("fine", groups=groups))
    world.send(message("broken"))
    world.send(message("half", groups=groups))
    world.send({"Burst": burst("some", [recipient(1), recipient(2), {"Name": "nobody"}])})
    world.send({"Burst": burst("none", Manifest=csv_manifest(world, "name\na\n"))})
    world.driver.run()
    seen = set()
    for kind, detail in sent:
        Draft202012Validator(SCHEMAS[kind]).validate(detail)
        seen.add((kind, detail["Status"]))
    assert seen == {
        ("Snapshot Export Completed", "COMPLETED"),
        ("Snapshot Export Failed", "FAILED"),
        ("Snapshot Burst Completed", "COMPLETED_WITH_FAILURES"),
        ("Snapshot Burst Completed", "FAILED"),
    }
    ids = [detail["EventId"] for _, detail in sent]
    assert len(set(ids)) == len(ids) == 7
    of_burst = [detail for _, detail in sent if detail.get("RecipientId")]
    assert {detail["BurstId"] for detail in of_burst} == {"some"}


def test_what_is_held_is_one_kind_of_event_and_each_hold_has_its_id(
    world: World, sent: Sent
) -> None:
    world.quicksight.emulator.put_data_set(DataSet("fresh", "Fresh"))
    late = {"DataSets": ["fresh"], "Since": "PT1H", "Until": "PT1M", "Otherwise": "HOLD"}
    world.send(message("single", After=late))
    world.send({"Burst": burst("people", [recipient(1)], After=late)})
    world.clock.sleep(61)
    start_after_data(world.services, stop_at=world.clock.now() + 20)
    held = world.services.bursts.find("people")
    assert held is not None
    now = world.clock.now()
    hold = Hold(code="RECIPIENTS_CHANGED", message="Many more.", at=now, until=now + 60)
    world.services.events.announce_hold(replace(held, found=9, expected=1, schedule="s"), hold)
    assert {kind for kind, _ in sent} == {"Snapshot Request Held"}
    for kind, detail in sent:
        Draft202012Validator(SCHEMAS[kind]).validate(detail)
    reasons = [detail["ReasonCode"] for _, detail in sent]
    assert sorted(reasons) == ["DATA_NOT_READY", "DATA_NOT_READY", "RECIPIENTS_CHANGED"]
    assert len({detail["EventId"] for _, detail in sent}) == 3


@pytest.mark.parametrize("title", SCHEMAS)
def test_schemas_are_schemas_and_documented(title: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[title])
    text = (DOCS / "events.md").read_text(encoding="utf-8")
    assert title in text
    for member in SCHEMAS[title]["properties"]:
        assert f"`{member}`" in text, member

"""Events as they are really sent, against the schemas that docs/events promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

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


@pytest.mark.parametrize("title", SCHEMAS)
def test_schemas_are_schemas_and_documented(title: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[title])
    text = (DOCS / "events.md").read_text(encoding="utf-8")
    assert title in text
    for member in SCHEMAS[title]["properties"]:
        assert f"`{member}`" in text, member

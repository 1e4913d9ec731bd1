"""A burst that outlives its retention keeps what it needs at its end, and no longer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from snapshot_export.domain.burst import Burst, BurstStatus, Work
from snapshot_export.flows.burst.resume import KEPT_WITHIN_SECONDS
from snapshot_export.flows.periodic.reconcile import reconcile_all
from snapshot_export.settings import DAY_SECONDS
from tests.support.bursts import burst, manifest_of, recipient, template
from tests.support.world import World

RETENTION_DAYS = 2


@pytest.fixture
def short(world: World) -> World:
    """A deployment with a short retention, one slot, and a table whose TTL is prompt."""
    settings = replace(world.settings, retention_days=RETENTION_DAYS)
    world.services = replace(world.services, settings=settings)
    world.services.store.change_gate({"limit": 1})
    return world


def expire(world: World) -> None:
    """Delete what has expired, as the table does within days after it."""
    client, table = world.session.client("dynamodb"), world.settings.table_name
    for item in client.scan(TableName=table)["Items"]:
        if float(item.get("expires_at", {"N": "inf"})["N"]) < world.clock.now():
            client.delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk")})


def items_of(world: World, burst_id: str) -> list[dict[str, Any]]:
    items = world.session.client("dynamodb").scan(TableName=world.settings.table_name)["Items"]
    return [
        item
        for item in items
        if item["pk"]["S"].split("#")[1] in (burst_id, *(f"{burst_id}-{n}" for n in range(9)))
    ]


def days(world: World, count: float, step: float = 0.25) -> list[Work]:
    """Let days pass with the reconciler at work; answers what it asked for."""
    asked: list[Work] = []
    until = world.clock.now() + count * DAY_SECONDS
    while world.clock.now() < until:
        world.clock.sleep(step * DAY_SECONDS)
        expire(world)
        reconcile_all(world.services)
        asked += [work for _, work in world.burst_queue.sent]
        world.work_on_bursts()
    return asked


def found(world: World, burst_id: str = "long") -> Burst:
    burst = world.services.bursts.find(burst_id)
    assert burst is not None
    return burst


def begin(world: World) -> None:
    """A burst of three with one name for all, and one refused, held up after its first export."""
    people = [recipient(1), {"Name": "nobody"}, recipient(2), recipient(3)]
    world.send({"Burst": burst("long", people, Template=template(Name="same"))})
    world.driver.run(until=world.clock.now() + 1)
    while not found(world).completed:
        world.driver.run(until=world.clock.now() + 5)
        world.services.store.change_gate({"limit": 0})
    assert found(world).open == 2


@pytest.mark.nightly
def test_a_burst_that_outlives_its_retention_loses_nothing(short: World) -> None:
    begin(short)
    asked = days(short, 11)

    short.services.store.change_gate({"limit": 1})
    short.driver.run()

    ended = found(short)
    assert (ended.status, ended.completed, ended.refused) == (
        BurstStatus.COMPLETED_WITH_FAILURES,
        3,
        1,
    )
    manifest = manifest_of(short, "long")
    assert [file["Line"] for file in manifest["Files"]] == [1, 3, 4]
    assert [line["Line"] for line in manifest["Refused"]] == [2]
    addresses = {file["S3Uri"] for file in manifest["Files"]}
    assert len(addresses) == 3, "one name was given twice"
    for item in items_of(short, "long"):
        lasts = float(item["expires_at"]["N"]) - (ended.finished_at or 0)
        assert lasts >= RETENTION_DAYS * DAY_SECONDS - 2, item["sk"]
    assert asked.count(Work.KEEP) == 4, "after about 1, 2, 4 and 8 days"
    days(short, 16)
    assert items_of(short, "long") == [], "what ended is forgotten"


def test_a_burst_that_ends_within_a_day_renews_nothing(short: World) -> None:
    short.send({"Burst": burst("long", [recipient(n) for n in (1, 2, 3)])})
    short.driver.run()
    ended = found(short)
    assert ended.status is BurstStatus.COMPLETED
    assert ended.kept_until == ended.accepted_at + DAY_SECONDS, "no pass was made"
    days(short, RETENTION_DAYS + 1.25)
    left = {item["pk"]["S"] for item in items_of(short, "long")}
    assert left <= {"BURST#long"}, "records of its exports are kept for a day more at most"


def test_a_pass_that_dies_is_made_again_and_finds_what_it_did(
    short: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(short)
    short.clock.sleep(2 * DAY_SECONDS)
    with monkeypatch.context() as dying:
        dying.setattr(type(short.services.bursts), "note_kept", _die)
        reconcile_all(short.services)
        with pytest.raises(RuntimeError):
            short.work_on_bursts()
    short.clock.sleep(KEPT_WITHIN_SECONDS - 1)
    reconcile_all(short.services)
    assert short.burst_queue.sent == [], "the queue may deliver the first message again"
    short.clock.sleep(1)
    reconcile_all(short.services)
    assert [work for _, work in short.burst_queue.sent] == [Work.KEEP]
    short.work_on_bursts()
    assert (found(short).kept_until or 0) > short.clock.now() + DAY_SECONDS


def _die(*_: Any) -> None:
    raise RuntimeError("killed")

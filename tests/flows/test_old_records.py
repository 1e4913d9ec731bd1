"""What older versions left in the middle of its work is brought to its end; tests/upgrades."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from snapshot_export.adapters.table.record_version import RECORD_VERSION
from snapshot_export.adapters.table.records import (
    PROTECTED_VERSION,
    attempt_from,
    entry_from,
    export_from,
)
from snapshot_export.domain.backlog import longest_first, start_tag_of
from snapshot_export.domain.burst import BurstStatus, Work
from snapshot_export.domain.export import ErrorInfo, Status
from snapshot_export.errors import NewerRecordError
from tests.support.nightly import nightly_but
from tests.support.world import World
from tests.upgrades import record

RECORDS = sorted((Path(record.__file__).parent / "records").glob("*.json"))
AHEAD_SECONDS = 300.0
"""Before the record's time, so that the jobs that had been begun are over then, unasked."""

Record = dict[str, Any]


def read_record(path: Path, world: World) -> Record:
    """A record, with the names of this world."""
    found: Record = json.loads(
        path.read_text(encoding="utf-8").replace("{world}", world.settings.export_bucket)
    )
    return found


def leave(world: World, old: Record, *, executions: bool = True) -> None:
    """Make the world as the old version left it."""
    dynamodb, s3 = world.session.client("dynamodb"), world.session.client("s3")
    for item in old["items"]:
        dynamodb.put_item(TableName=world.settings.table_name, Item=item)
    for key, text in old["objects"].items():
        s3.put_object(Bucket=world.settings.export_bucket, Key=key, Body=text)
    world.clock.time = old["time"] - AHEAD_SECONDS
    quicksight = world.session.client("quicksight")
    for job in old["jobs"]:
        quicksight.start_dashboard_snapshot_job(**job)
    world.clock.time = old["time"]
    world.burst_queue.sent += [(burst_id, Work(work)) for burst_id, work in old["burst_work"]]
    for each in old["executions"] if executions else ():
        world.session.client("stepfunctions").start_execution(
            stateMachineArn=world.settings.state_machine_arn,
            name=each["arn"].rsplit(":", 1)[1],
            input=json.dumps(each["ids"]),
        )
        world.driver._known.add(each["arn"])
        world.driver._push(max(each["at"], old["time"]), each["state"], each["arn"], each["ids"])


def table_of(world: World) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = world.session.client("dynamodb").scan(
        TableName=world.settings.table_name
    )["Items"]
    return items


def assert_all_is_done(world: World, old: Record) -> None:
    names = [i["pk"]["S"].split("#", 1)[1] for i in old["items"] if i["sk"]["S"] == "EXPORT"]
    bursts = [i["pk"]["S"].split("#", 1)[1] for i in old["items"] if i["sk"]["S"] == "BURST"]
    names += [f"{burst}-{line}" for burst in bursts for line in (1, 2, 3)]
    assert {name: world.export(name).status for name in names} == dict.fromkeys(
        names, Status.COMPLETED
    )
    for burst_id in bursts:
        burst = world.services.bursts.find(burst_id)
        assert burst and (burst.status, burst.completed) == (BurstStatus.COMPLETED, 3)
    gate, attempts = world.services.store.in_flight()
    assert (gate.running, gate.limit, attempts) == (0, record.SLOTS, ())
    assert world.services.store.count_waiting(100) == 0
    starts = {job["SnapshotJobId"]: job["starts"] for job in world.ledger()["jobs"]}
    assert set(starts.values()) == {1}
    assert len(starts) == len(set(names)) + 1, "one job of each, and the one that had failed"


@pytest.mark.parametrize("path", nightly_but(RECORDS[-2:], RECORDS), ids=lambda path: path.stem)
def test_what_an_older_version_left_in_flight_is_completed(world: World, path: Path) -> None:
    old = read_record(path, world)
    leave(world, old)

    world.driver.run()

    assert_all_is_done(world, old)


def test_it_is_completed_too_if_every_execution_and_message_is_gone(world: World) -> None:
    old = read_record(RECORDS[1], world)
    leave(world, old | {"burst_work": []}, executions=False)

    world.driver.run()

    assert_all_is_done(world, old)


def members(items: list[dict[str, Any]]) -> dict[tuple[str, str], set[str]]:
    """Types of attributes by kind of record and name; what is a map or a list is one type."""
    found: dict[tuple[str, str], set[str]] = {}
    for item in items:
        kind = item["sk"]["S"].split("#")[0] if "#" in item["sk"]["S"] else item["pk"]["S"]
        kind = kind if kind.isalpha() else item["pk"]["S"].split("#")[0]
        for name, value in item.items():
            found.setdefault((kind, name), set()).update(value)
    return found


def test_all_that_the_version_before_reads_is_written_still(world: World) -> None:
    """So it can be put back, and reads what functions that were deployed earlier write.

    Whoever changes that on purpose raises RECORD_VERSION.
    """
    newest = RECORDS[-1]
    before = members(read_record(newest, world)["items"])

    record.play(world)

    now = members(table_of(world))
    assert {member: now.get(member) for member in before} == before


def test_a_record_of_a_newer_version_is_refused_by_kind_and_version(world: World) -> None:
    record.play(world)
    newer = {"version": RECORD_VERSION + 1}
    table = world.services.store._table
    key = world.keys.export("running")
    newest = PROTECTED_VERSION + 1
    with pytest.raises(NewerRecordError, match=rf"Export record of version {newest}"):
        export_from((table.get(key) or {}) | {"version": newest})
    with pytest.raises(NewerRecordError, match="Attempt record"):
        attempt_from((table.get(world.keys.attempt("running")) or {}) | newer)
    with pytest.raises(NewerRecordError, match="BacklogEntry record"):
        entry_from(next(table.query(world.keys.backlog_partition)) | newer)


def test_members_that_this_version_does_not_know_are_ignored(world: World) -> None:
    record.play(world)
    item = world.services.store._table.get(world.keys.export("ended")) or {}
    file = {"format": "PDF", "uri": "s3://b/k", "pages": 3, "error": {"code": "X", "hint": "y"}}

    export = export_from(item | {"colour": "blue", "files": [file], "error": {"code": "Z", "n": 1}})

    assert export.files[0].uri == "s3://b/k" and export.files[0].error == ErrorInfo("X")
    assert export.error == ErrorInfo("Z")


@pytest.mark.parametrize(
    "rank", ["1#5#9999999999#01800000000000#a", "1#5#9999999999#01800000000000##00000000#a", "x"]
)
def test_a_rank_of_another_shape_stays_as_it_was_written(rank: str) -> None:
    assert start_tag_of(rank) is None
    assert longest_first([rank, rank], str, len) == [rank, rank]

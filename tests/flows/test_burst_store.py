"""What each write about a burst is conditional on, and what it keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from snapshot_export.adapters.table.burst_records import count_end, refusal_key
from snapshot_export.adapters.table.burst_store import BurstStore
from snapshot_export.adapters.table.dynamodb import put_of, update_of
from snapshot_export.adapters.table.name_claims import claim_key
from snapshot_export.domain.burst import (
    Burst,
    BurstStatus,
    FailureReason,
    Refusal,
    export_id_of,
)
from snapshot_export.domain.export import ErrorInfo, Export, Status
from snapshot_export.domain.forecast import Estimate
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.domain.problem import Problem
from snapshot_export.domain.security_warning import SecurityWarning
from snapshot_export.errors import ConditionFailedError, IdConflictError
from tests.support.bursts import burst_record
from tests.support.messages import message
from tests.support.world import World

BURST = burst_record()
WARNING = SecurityWarning(code="X", resource="sales", message="m")
WRONG = Problem("line 1", "is wrong")


@pytest.fixture
def bursts(world: World) -> BurstStore:
    assert world.services.bursts.accept(BURST, {"Name": "x"})
    return world.services.bursts


def now_is(bursts: BurstStore) -> Burst:
    found = bursts.find("many")
    assert found is not None
    return found


def seed(world: World, line: int) -> Export:
    """An export of the burst, not accepted yet."""
    if world.services.store.export("seed") is None:
        world.send(message("seed"))
    export, export_id = world.export("seed"), export_id_of("many", line)
    return replace(
        export,
        export_id=export_id,
        rank=export.rank.replace("seed", export_id),
        burst_id="many",
        status=Status.QUEUED,
        attempt=1,
        admission=0,
    )


def test_a_burst_is_accepted_once_with_its_template_and_marker(bursts: BurstStore) -> None:
    assert (now_is(bursts), bursts.template("many")) == (BURST, {"Name": "x"})
    assert bursts.unfinished_ids() == ["many"]
    assert not bursts.accept(replace(BURST, accepted_at=200), {"Name": "y"})
    assert (now_is(bursts), bursts.template("many")) == (BURST, {"Name": "x"})
    assert (bursts.template("other"), bursts.find("other")) == ({}, None)
    with pytest.raises(IdConflictError):
        bursts.accept(replace(BURST, digest="another"), {})


def test_a_burst_that_is_gone_when_it_is_looked_at_is_accepted_later(
    bursts: BurstStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bursts, "find", lambda _burst_id: None)
    with pytest.raises(ConditionFailedError):
        bursts.accept(BURST, {})


def test_the_stump_that_counts_leave_of_a_deleted_burst_is_no_burst(world: World) -> None:
    done = replace(seed(world, 1), status=Status.COMPLETED, finished_at=200)
    world.services.store._table.transact(count_end(done))
    assert world.services.bursts.find("many") is None
    assert world.services.bursts.accept(BURST, {})


def test_recipients_are_accepted_and_refused_in_one_step_from_where_the_burst_was(
    world: World, bursts: BurstStore
) -> None:
    exports = [seed(world, 1), seed(world, 3)]
    refusals = [Refusal(line=line, problems=(WRONG,)) for line in (2, 10, 4)]
    after = replace(
        BURST,
        offset=70,
        line=5,
        read=6,
        accepted=2,
        refused=3,
        touched_at=130,
        warnings=(WARNING,),
    )
    bursts.accept_recipients(BURST, after, exports, refusals, 999)
    assert now_is(bursts) == after
    assert [each.line for each in bursts.refusals("many")] == [2, 4, 10]
    assert [each.line for each in bursts.refusals("many", limit=1)] == [2]
    assert bursts.refusals("many", after_line=2, limit=1) == [refusals[2]]
    record = world.services.store._table.get(refusal_key("many", 4))
    assert record is not None and record["expires_at"] == 999
    for seen in (BURST, replace(after, offset=71)):
        with pytest.raises(ConditionFailedError) as refused:
            bursts.accept_recipients(seen, replace(after, line=9), [seed(world, 9)], [], 999)
        assert refused.value.failed == (0,)
    with pytest.raises(ConditionFailedError) as refused:
        bursts.accept_recipients(after, after, [seed(world, 7), seed(world, 3)], [], 999)
    assert refused.value.failed == (3,), "the second's record"
    assert bursts.exports(["many-3", "many-9", "many-7", "many-1"]) == [
        world.export("many-3"),
        world.export("many-1"),
    ]
    assert {entry.export_id for entry in world.services.store.waiting(9)} == {"many-1", "many-3"}


@pytest.mark.parametrize("error", [None, ErrorInfo("MANIFEST_CHANGED", "it was replaced")])
def test_an_expansion_ends_once_where_it_was_seen_to(
    world: World, bursts: BurstStore, error: ErrorInfo | None
) -> None:
    with pytest.raises(ConditionFailedError):
        bursts.end_expansion(replace(BURST, offset=1), 150, error)
    bursts.end_expansion(BURST, 150, error)
    ended = replace(BURST, status=BurstStatus.RUNNING, expanded_at=150, touched_at=150, error=error)
    assert now_is(bursts) == ended
    with pytest.raises(ConditionFailedError):
        bursts.end_expansion(BURST, 160, error)
    with pytest.raises(ConditionFailedError):
        bursts.accept_recipients(BURST, BURST, [seed(world, 1)], [], 999)
    assert now_is(bursts) == ended


def test_a_burst_is_cancelled_as_of_the_first_time_unless_it_has_ended(
    bursts: BurstStore,
) -> None:
    bursts.begin_drain("many", 150)
    drains = replace(
        BURST, status=BurstStatus.RUNNING, draining_at=150, expanded_at=150, touched_at=150
    )
    assert now_is(bursts) == drains
    bursts.begin_drain("many", 160)
    assert now_is(bursts) == replace(drains, touched_at=160)
    bursts.close(replace(drains, status=BurstStatus.CANCELLED, finished_at=170), 999)
    with pytest.raises(ConditionFailedError):
        bursts.begin_drain("many", 180)


Note = Callable[[BurstStore, str], None]
NOTES: tuple[tuple[Note, dict[str, Any]], ...] = (
    (lambda store, name: store.mark_drained(name, 7, 150), {"drained_to": 7, "touched_at": 150}),
    (lambda store, name: store.touch(name, 150), {"touched_at": 150}),
    (lambda store, name: store.note_kept(name, 900.0), {"kept_until": 900}),
    (lambda store, name: store.note_keep_asked(name, 150), {"keep_asked_at": 150}),
    (lambda store, name: store.mark_at_risk(name, 150), {"at_risk_at": 150}),
)


@pytest.mark.parametrize(("note", "noted"), NOTES)
def test_a_note_is_made_on_a_burst_that_is_there(
    bursts: BurstStore, note: Note, noted: dict[str, Any]
) -> None:
    note(bursts, "many")
    assert now_is(bursts) == replace(BURST, **noted)
    with pytest.raises(ConditionFailedError):
        note(bursts, "gone")


def test_the_first_time_that_a_deadline_was_at_risk_stays(bursts: BurstStore) -> None:
    bursts.mark_at_risk("many", 150)
    bursts.mark_at_risk("many", 160)
    assert now_is(bursts).at_risk_at == 150


def test_the_first_forecast_of_a_burst_that_runs_stays(bursts: BurstStore) -> None:
    estimate = Estimate((300.0, 400.0))
    with pytest.raises(ConditionFailedError):
        bursts.note_forecast("many", 150, estimate)
    bursts.end_expansion(BURST, 150, None)
    bursts.note_forecast("many", 151, estimate)
    burst = now_is(bursts)
    assert (burst.foretold_at, burst.foretold_p50, burst.foretold_p95) == (151, 350, 400)
    with pytest.raises(ConditionFailedError):
        bursts.note_forecast("many", 152, estimate)


@pytest.mark.parametrize("error", [None, ErrorInfo("MANIFEST_CHANGED", "it was replaced")])
def test_a_burst_is_closed_once_with_its_reasons(
    world: World, bursts: BurstStore, error: ErrorInfo | None
) -> None:
    ended = replace(
        BURST,
        status=BurstStatus.FAILED,
        finished_at=170,
        reasons=(FailureReason(code="X", count=2, message="m"),),
        error=error,
    )
    with pytest.raises(ConditionFailedError):
        bursts.close(ended, 999)
    bursts.end_expansion(BURST, 150, None)
    running = now_is(bursts)
    ended = replace(
        running, status=ended.status, finished_at=170, reasons=ended.reasons, error=error
    )
    bursts.close(ended, 999)
    assert (now_is(bursts), bursts.template("many"), bursts.unfinished_ids()) == (ended, {}, [])
    item = world.services.store._table.get(("BURST#many", "BURST"))
    assert item is not None and item["expires_at"] == 999
    with pytest.raises(ConditionFailedError):
        bursts.close(ended, 1000)


def test_a_closing_ends_the_revision_that_it_began_with(world: World, bursts: BurstStore) -> None:
    running = replace(BURST, status=BurstStatus.RUNNING, finished_at=170)
    with pytest.raises(ConditionFailedError):
        bursts.keep_closing(running, 140)
    bursts.end_expansion(BURST, 150, None)
    bursts.keep_closing(running, 160)
    assert now_is(bursts).touched_at == 160
    for write in (bursts.keep_closing, bursts.close):
        with pytest.raises(ConditionFailedError):
            write(replace(running, revision=2, status=BurstStatus.COMPLETED), 999)
    table, key = world.services.store._table, ("BURST#many", "BURST")
    table.update(update_of(key, "REMOVE revision", values={}))
    for write in (bursts.keep_closing, bursts.close):
        write(replace(running, status=BurstStatus.COMPLETED), 999)
    assert now_is(bursts).status is BurstStatus.COMPLETED


def test_those_wait_that_are_the_bursts_and_have_not_ended(
    world: World, bursts: BurstStore
) -> None:
    table, keys = world.services.store._table, world.keys
    for name, status, owner in (
        ("many-1", Status.COMPLETED, "many"),
        ("many-2", Status.QUEUED, "many"),
        ("many-3", Status.RUNNING, "many"),
        ("many-4", Status.QUEUED, None),
    ):
        record = {"export_id": name, "status": status, "burst_id": owner}
        table.write(put_of(keys.export(name), record))
    asked = [f"many-{number}" for number in (3, 1, 4, 2, 5)]
    assert bursts.waiting_ids("many", asked) == ["many-3", "many-2"]


def test_what_a_burst_left_lasts_as_long_as_asked(world: World, bursts: BurstStore) -> None:
    table, keys = world.services.store._table, world.keys
    of_file = claim_key(ObjectAddress("bucket", "x.pdf"))

    def expiry(key: tuple[str, str]) -> int | None:
        item = table.get(key)
        assert item is not None
        found: int | None = item.get("expires_at")
        return found

    ends = {1: 500, 2: 900, 3: 901, 4: None, 100: 500, 101: 500, 102: 500}
    for line, expires_at in ends.items():
        table.write(
            put_of(keys.export(f"many-{line}"), {"burst_id": "many", "expires_at": expires_at})
        )
    of_none = {"error": {"code": "X"}}
    file = {"uri": "s3://bucket/x.pdf"}
    record: dict[str, Any] = {
        "burst_id": "many",
        "expires_at": 901,
        "files": [file, of_none, {"uri": "no"}],
    }
    table.write(put_of(keys.export("many-5"), record))
    table.write(put_of(keys.export("many-6"), {"burst_id": "another", "expires_at": 500}))
    table.write(put_of(of_file, {"claimed_by": "many-5", "expires_at": 500}))
    for line, expires_at in ((7, 500), (8, 900)):
        refused = {"line": line, "problems": [], "expires_at": expires_at}
        table.write(put_of(refusal_key("many", line), refused))
    burst, before = replace(BURST, line=102), world.writes
    assert bursts.renew(burst, 900) == 5, "lines 1, 100 and 101, the claim, the refusal"
    assert world.writes - before == 5
    assert {line: expiry(keys.export(f"many-{line}")) for line in ends} == {
        1: 900,
        2: 900,
        3: 901,
        4: None,
        100: 900,
        101: 900,
        102: 500,
    }
    assert expiry(keys.export("many-6")) == 500
    assert [expiry(key) for key in (of_file, refusal_key("many", 7))] == [900, 900]
    before = world.writes
    assert bursts.renew(burst, 900) == 0
    assert world.writes - before == 1, "only the claim is asked by a write"

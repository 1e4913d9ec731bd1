"""Each write of the store against what somebody else may have written since its record was read.

A write that is not to hold after a change is refused and leaves the table as it was; after every
other change it holds, and counter and leases agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from typing import Any

import pytest

from snapshot_export.adapters.table.dynamodb import marshal
from snapshot_export.domain.export import LOST, Attempt, ErrorInfo, Export, Status
from snapshot_export.errors import ConditionFailedError
from tests.support.messages import message
from tests.support.world import World

Changes = Mapping[str, Any]

LEASE: Mapping[str, Changes] = {
    "lease of the next attempt": {"attempt": 2},
    "lease of the next admission": {"admission": 2},
    "lease released": {"holds_slot": False},
    "lease held": {"holds_slot": True},
    "start noted": {"call_until": 7},
    "start not answered": {"unsure_until": 7},
    "started": {"started_at": 7},
    "unknown since then": {"first_unknown_at": 7},
    "known again": {"first_unknown_at": None},
    "restarted": {"restarts": 1},
}
EXPORT: Mapping[str, Changes] = {
    "export of the next attempt": {"attempt": 2},
    "export of the next admission": {"admission": 2},
    "export waits": {"status": Status.QUEUED},
    "export ended": {"status": Status.FAILED},
    "cancelled": {"cancel_requested_at": 7},
    "ends as completed": {"ending": Status.COMPLETED, "ending_at": 7},
    "ends as failed": {"ending": Status.FAILED, "ending_at": 7},
    "ends as failed by an older version": {"ending": Status.FAILED},
}
OTHER = ("no lease", "no export", "no slot counted")

SAME_LEASE = {"lease of the next attempt", "lease of the next admission", "no lease"}
RUNS = {
    "export of the next attempt",
    "export of the next admission",
    "export waits",
    "export ended",
    "no export",
}
ENDS = {"ends as completed", "ends as failed", "ends as failed by an older version"}
HELD = SAME_LEASE | {"lease released"}
UNSTARTED = HELD | {"start noted", "start not answered", "started"}
GOES_ON = RUNS | ENDS | {"cancelled"}
RELEASED = SAME_LEASE | {"lease held"}
COUNTED = {"no slot counted"}


class Records:
    """An export that runs, its lease and the gate, which somebody else changes."""

    def __init__(self, world: World) -> None:
        self.world, self.store = world, world.services.store
        self._client = world.session.client("dynamodb")
        self._table = world.settings.table_name
        self._keys = {
            "lease": world.keys.attempt("one"),
            "export": world.keys.export("one"),
            "gate": world.keys.gate,
        }
        world.send(message("one"))
        self.now = world.clock.now()

    @property
    def lease(self) -> Attempt:
        found = self.store.attempt("one")
        assert found is not None
        return found

    @property
    def export(self) -> Export:
        return self.world.export("one")

    def items(self) -> dict[tuple[str, str], Any]:
        found = self._client.scan(TableName=self._table, ConsistentRead=True)["Items"]
        return {(item["pk"]["S"], item["sk"]["S"]): item for item in found}

    def put_back(self, items: Mapping[tuple[str, str], Any]) -> None:
        for key in self.items().keys() - items.keys():
            self._delete(key)
        for item in items.values():
            self._client.put_item(TableName=self._table, Item=item)

    def change(self, name: str) -> None:
        if name in OTHER:
            kind = {"no lease": "lease", "no export": "export", "no slot counted": "gate"}[name]
            self._delete(self._keys[kind])
        elif name in LEASE:
            self.set("lease", LEASE[name])
        else:
            self.set("export", EXPORT[name])

    def set(self, kind: str, changes: Changes) -> None:
        item = self.items()[self._keys[kind]]
        for name in changes:
            item.pop(name, None)
        self._client.put_item(TableName=self._table, Item=item | marshal(changes))

    def _delete(self, key: tuple[str, str]) -> None:
        self._client.delete_item(
            TableName=self._table, Key={"pk": {"S": key[0]}, "sk": {"S": key[1]}}
        )


@pytest.fixture
def records(world: World) -> Records:
    return Records(world)


def holds_only_before(
    records: Records,
    write: Callable[[], object],
    refused: Set[str] = frozenset(),
    *,
    changes_nothing: Set[str] = frozenset(),
) -> None:
    """A write is refused after some changes, changes nothing after some, and holds after others."""
    begin = records.items()
    for name in (*LEASE, *EXPORT, *OTHER):
        records.put_back(begin)
        records.change(name)
        changed = records.items()
        try:
            write()
        except ConditionFailedError:
            assert name in refused, f"refused after: {name}"
            assert records.items() == changed, f"half written after: {name}"
        else:
            assert name not in refused, f"written after: {name}"
            is_same = records.items() == changed
            assert is_same == (name in changes_nothing), f"nothing or something after: {name}"


def ended(records: Records, status: Status) -> Export:
    error = ErrorInfo("X") if status is not Status.COMPLETED else None
    return replace(records.export, status=status, error=error, finished_at=records.now)


def release(records: Records) -> Attempt:
    started = records.store.mark_started(records.lease, records.now)
    records.store.release(started, "COMPLETED", records.now, records.now)
    return records.lease


def test_a_start_is_noted_for_the_lease_that_was_read_of_an_export_that_goes_on(
    records: Records,
) -> None:
    lease = records.lease
    holds_only_before(
        records, lambda: records.store.begin_call(lease, records.now), UNSTARTED | GOES_ON
    )


@pytest.mark.parametrize("is_answered", [True, False])
def test_the_end_of_a_start_is_noted_on_its_own_note_only(
    records: Records, is_answered: bool
) -> None:
    calling = records.store.begin_call(records.lease, records.now)
    holds_only_before(
        records,
        lambda: records.store.end_call(calling, is_answered=is_answered),
        changes_nothing=UNSTARTED,
    )


def test_a_job_is_noted_on_a_lease_that_is_held(records: Records) -> None:
    lease = records.lease
    holds_only_before(
        records,
        lambda: records.store.mark_started(lease, records.now + 1),
        HELD,
        changes_nothing={"started"},
    )


def test_the_job_of_a_lease_frees_it_once(records: Records) -> None:
    lease = records.lease
    holds_only_before(
        records,
        lambda: records.store.release(lease, "COMPLETED", records.now, records.now),
        HELD | COUNTED,
    )


def test_a_lease_without_a_job_is_freed_if_no_start_was_noted_since(records: Records) -> None:
    lease = records.lease
    holds_only_before(
        records,
        lambda: records.store.release(lease, LOST, records.now, records.now),
        UNSTARTED | COUNTED,
    )


def test_a_lost_job_frees_its_lease_if_it_was_unknown_ever_since(records: Records) -> None:
    started = records.store.mark_started(records.lease, records.now)
    records.store.mark_unknown(started, records.now)
    lease = records.lease
    holds_only_before(
        records,
        lambda: records.store.release(lease, LOST, records.now, records.now),
        HELD | COUNTED | {"unknown since then", "known again"},
    )


def test_an_export_is_handed_back_if_no_other_start_was_noted_and_it_goes_on(
    records: Records,
) -> None:
    calling, export = records.store.begin_call(records.lease, records.now), records.export
    holds_only_before(
        records,
        lambda: records.store.hand_back(calling, export, records.now),
        UNSTARTED | GOES_ON | COUNTED,
    )


def test_the_next_attempt_is_queued_after_a_release_of_an_export_that_goes_on(
    records: Records,
) -> None:
    lease = release(records)
    following = replace(records.export, attempt=2)
    holds_only_before(
        records,
        lambda: records.store.queue_next(lease, following, records.now + 20),
        RELEASED | GOES_ON,
    )


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED])
def test_an_end_is_noted_once_and_not_after_a_cancellation(
    records: Records, status: Status
) -> None:
    lease, done = release(records), ended(records, status)
    same = {"ends as failed by an older version"} if status is Status.FAILED else set()
    holds_only_before(
        records,
        lambda: records.store.begin_end(lease, done),
        (RUNS | ENDS | {"cancelled"}) - same,
    )


def test_an_end_without_a_job_is_noted_if_no_start_was_noted_since(records: Records) -> None:
    lease, done = records.lease, ended(records, Status.FAILED)
    holds_only_before(
        records,
        lambda: records.store.begin_end(lease, done),
        UNSTARTED | RUNS | {"cancelled", "ends as completed", "ends as failed"},
    )


@pytest.mark.parametrize("is_held", [True, False])
def test_an_end_is_written_as_it_was_noted(records: Records, is_held: bool) -> None:
    lease = records.lease if is_held else release(records)
    done = ended(records, Status.FAILED)
    records.store.begin_end(lease, done)
    holds_only_before(
        records,
        lambda: records.store.finish(lease, done, 9),
        RUNS | {"ends as completed"} | (UNSTARTED | COUNTED if is_held else RELEASED),
    )


def test_a_cancelled_export_ends_unless_another_end_was_noted(records: Records) -> None:
    lease, done = release(records), ended(records, Status.CANCELLED)
    holds_only_before(records, lambda: records.store.finish(lease, done, 9), RUNS | ENDS | RELEASED)


def test_an_execution_is_counted_on_the_lease_that_was_read(records: Records) -> None:
    lease = records.lease
    holds_only_before(
        records,
        lambda: records.store.mark_restarted(lease, records.now, records.now),
        SAME_LEASE | {"restarted"},
    )


def test_only_what_runs_and_is_not_ending_is_marked_as_cancelled(records: Records) -> None:
    holds_only_before(
        records,
        lambda: records.store.mark_cancelled("one", records.now),
        {"export waits", "export ended", "no export"} | ENDS,
        changes_nothing={"cancelled"},
    )


def test_since_when_a_job_is_unknown_is_noted_once_while_its_lease_is_held(
    records: Records,
) -> None:
    lease = records.store.mark_started(records.lease, records.now)
    holds_only_before(
        records,
        lambda: records.store.mark_unknown(lease, records.now),
        changes_nothing=HELD | {"unknown since then"},
    )
    records.store.mark_unknown(lease, records.now)
    holds_only_before(
        records,
        lambda: records.store.mark_known(lease),
        changes_nothing=HELD | {"known again"},
    )


def test_a_deadline_at_risk_is_noted_on_an_export_that_is_there(records: Records) -> None:
    lease = records.lease
    holds_only_before(
        records,
        lambda: records.store.mark_at_risk(lease, records.now),
        {"no lease", "no export"},
    )


def test_only_the_export_that_was_read_waiting_is_cancelled_with_its_entry(
    records: Records,
) -> None:
    calling = records.store.begin_call(records.lease, records.now)
    records.store.hand_back(calling, records.export, records.now)
    waits = records.export
    assert records.store.count_waiting(9) == 1
    for changes in ({"attempt": 2}, {"admission": 2}, {"status": Status.RUNNING}):
        begin = records.items()
        records.set("export", changes)
        with pytest.raises(ConditionFailedError):
            records.store.cancel_waiting(waits, records.now, 9)
        records.put_back(begin)
    records.store.cancel_waiting(waits, records.now, 9)
    assert (records.store.count_waiting(9), records.export.status) == (0, Status.CANCELLED)

"""Repairs: what stands in the way of others because of how it lies in the table.

No function of ours writes such records: a hand, a restored table or a fault does. An entry is
written anew from its export, which has all that it holds; one that cannot be is set aside, in a
partition of its own, where it stops nobody, and put back once its export can be read. An attempt
is written anew from its export as one whose job was started: it asks QuickSight, and starts none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from snapshot_export.adapters.table.dynamodb import (
    Item,
    Key,
    Table,
    assigning,
    delete_of,
    put_of,
    update_of,
)
from snapshot_export.adapters.table.record_version import unreadable_members
from snapshot_export.adapters.table.records import (
    Keys,
    attempt_attributes,
    attempt_from,
    entry_attributes,
    entry_from,
    export_from,
)
from snapshot_export.adapters.table.store import SAME_ADMISSION, admission_values
from snapshot_export.domain.admission import attempt_of, entry_of
from snapshot_export.domain.export import Attempt, Export, Status
from snapshot_export.domain.gate import Gate
from snapshot_export.errors import (
    ConditionFailedError,
    NewerRecordError,
    UnreadableRecordError,
    WriteRefusedError,
)

ASIDE_SECONDS = 3600.0
"""After this long an entry that was set aside is put back, if its export can be read."""
MAX_PUT_BACK = 25


class Outcome(StrEnum):
    """What was done about an entry."""

    DROPPED = "its export does not wait"
    REWRITTEN = "written anew from its export"
    SET_ASIDE = "set aside"
    LEFT = "nothing is wrong with it"


class Repairs:
    """Repairs of one gate's records. Each raises TransientError."""

    def __init__(self, table: Table, keys: Keys, now: Callable[[], float]) -> None:
        self._table = table
        self._keys = keys
        self._now = now

    def settle_entry(self, key: Key, *, is_stubborn: bool = False) -> Outcome:
        """Decide about an entry that cannot be read or admitted.

        One that is as it should be is set aside if it `is_stubborn`. Raises ConditionFailedError
        if its export moved meanwhile.
        """
        try:
            export = self._export_of(key)
        except (NewerRecordError, UnreadableRecordError, WriteRefusedError):
            return self._set_aside(key)
        if not self._waits_at(export, key):
            guard = [self._if_unmoved(export)] if export else []
            self._table.transact([*guard, delete_of(key)])
            return Outcome.DROPPED
        assert export is not None
        found = self._table.get(key)
        wanted = entry_of(export, export.due_at or None)
        if found is not None and _is_same(found, wanted):
            return self._set_aside(key) if is_stubborn else Outcome.LEFT
        try:
            self._table.transact(
                [self._if_it_waits(export, key), put_of(key, entry_attributes(wanted))]
            )
        except WriteRefusedError:
            return self._set_aside(key)
        return Outcome.REWRITTEN

    def count_aside(self) -> int:
        """How many entries are set aside, at most 1000."""
        return self._table.count(self._keys.aside_partition, before="~", most=1000)

    def put_back(self) -> int:
        """Put entries back that were set aside ASIDE_SECONDS ago. Answers how many."""
        done = 0
        for item in self._table.query(self._keys.aside_partition, limit=MAX_PUT_BACK):
            since = item.get("aside_at")
            if isinstance(since, int | float) and 0 <= self._now() - since < ASIDE_SECONDS:
                continue
            is_retry = item.get("entry_pk") == self._keys.retry_partition
            partition = self._keys.retry_partition if is_retry else self._keys.backlog_partition
            done += self._put_back((item["pk"], item["sk"]), (partition, item["sk"]))
        return done

    def rewrite_attempt(self, export_id: str) -> bool:
        """Write an attempt that cannot be read anew from its export; False if that is no help."""
        key = self._keys.attempt(export_id)
        item = self._table.get(key) or {}
        if not item or not _is_broken(item):
            return False
        try:
            found = self._table.get(self._keys.export(export_id))
            export = export_from(found) if found else None
        except (NewerRecordError, UnreadableRecordError):
            return False
        if export is None or export.status is not Status.RUNNING:
            return False
        holds_slot = item.get("holds_slot")
        seen = {} if holds_slot is None else {":seen": holds_slot}
        self._table.write(
            put_of(
                key,
                attempt_attributes(_attempt_of(export, item, self._now())),
                condition="holds_slot = :seen" if seen else "attribute_not_exists(holds_slot)",
                values=seen,
            )
        )
        return True

    def repair_gate(self, leases: int) -> list[str]:
        """Remove what cannot be read of the gate; `running` becomes `leases`. Answers what it was.

        Removed, a limit, a reserve, a ceiling or a pause is the deployment's own again.
        """
        item = self._table.get(self._keys.gate) or {}
        bad = unreadable_members(item, Gate)
        if bad:
            changes = {name: leases if name == "running" else None for name in bad}
            self._table.update(update_of(self._keys.gate, *assigning(changes)))
        return bad

    def _put_back(self, aside: Key, key: Key) -> bool:
        try:
            export = self._export_of(key)
            if not self._waits_at(export, key):
                self._table.write(delete_of(aside))
                return False
            assert export is not None
            entry = entry_attributes(entry_of(export, export.due_at or None))
            self._table.transact(
                [self._if_it_waits(export, key), put_of(key, entry), delete_of(aside)]
            )
        except (
            ConditionFailedError,
            NewerRecordError,
            UnreadableRecordError,
            WriteRefusedError,
        ):
            return False
        return True

    def _export_of(self, key: Key) -> Export | None:
        item = self._table.get(self._keys.export(key[1].rpartition("#")[2]))
        return export_from(item) if item else None

    def _waits_at(self, export: Export | None, key: Key) -> bool:
        if export is None or export.status is not Status.QUEUED:
            return False
        partition = self._keys.retry_partition if export.due_at else self._keys.backlog_partition
        return partition == key[0] and export.entry_key in (None, key[1])

    def _if_it_waits(self, export: Export, key: Key) -> Item:
        return update_of(
            self._keys.export(export.export_id),
            "SET entry_key = :key",
            condition=f"#status = :queued AND {SAME_ADMISSION}",
            values=admission_values(export) | {":key": key[1], ":queued": Status.QUEUED},
        )

    def _if_unmoved(self, export: Export) -> Item:
        """An export that was queued again may have another entry of the same key."""
        return update_of(
            self._keys.export(export.export_id),
            "SET attempt = :attempt",
            condition=f"{SAME_ADMISSION} AND #status = :status",
            values=admission_values(export) | {":status": export.status},
        )

    def _set_aside(self, key: Key) -> Outcome:
        attributes = {"entry_pk": key[0], "aside_at": self._now()}
        self._table.transact(
            [
                delete_of(key, condition="attribute_exists(pk)"),
                put_of((self._keys.aside_partition, key[1]), attributes),
            ]
        )
        return Outcome.SET_ASIDE


def _is_broken(item: Item) -> bool:
    try:
        attempt_from(item)
    except NewerRecordError:
        return False
    except UnreadableRecordError:
        return True
    return False


def _is_same(found: Item, wanted: object) -> bool:
    try:
        return replace(entry_from(found), key=None) == wanted
    except (NewerRecordError, UnreadableRecordError):
        return False


def _attempt_of(export: Export, item: Item, now: float) -> Attempt:
    restarts = item.get("restarts")
    holds_slot = item.get("holds_slot") is not False
    return replace(
        attempt_of(entry_of(export), limit=0, now=now),
        admission=export.admission,
        admitted_at=export.admitted_at or now,
        start_by=now,
        files=0,
        restarts=restarts if type(restarts) is int and 0 <= restarts < 1000 else 0,
        holds_slot=holds_slot,
        started_at=export.admitted_at or now,
        job_ended_at=None if holds_slot else now,
        released_at=None if holds_slot else now,
    )

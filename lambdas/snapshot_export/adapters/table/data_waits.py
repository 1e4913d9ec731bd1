"""Requests that wait for data: an item for each group that waits for the same, and one for each
export or burst in it, in the group's own partition.

A pass reads the groups alone, however many wait in each, and a group's members once the data is
there. A group is removed when it has no member left, unless somebody joined since it was read:
whoever joins writes its own nonce on the group, in the transaction that accepts it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from snapshot_export.adapters.table.burst_records import burst_key
from snapshot_export.adapters.table.dynamodb import (
    Item,
    Table,
    delete_of,
    put_of,
    update_of,
)
from snapshot_export.adapters.table.record_version import read_part, read_record
from snapshot_export.adapters.table.records import (
    Keys,
    entry_attributes,
    export_attributes,
    refusing_what_cannot_be,
)
from snapshot_export.domain.admission import entry_of
from snapshot_export.domain.burst import QUERIED_VERSION, VERSION, Burst, BurstStatus
from snapshot_export.domain.data_wait import DataDecision, DataWait
from snapshot_export.domain.export import Export, Status
from snapshot_export.errors import UnreadableRecordError

_WAITS = "#status IN (:waiting, :held)"


@dataclass(frozen=True, kw_only=True)
class WaitGroup:
    """All that wait for the same data. `joined` is the nonce of who joined last, `modes` are the
    import modes of its data sets as far as they are known, `decision` what was decided of them."""

    wait: DataWait
    joined: str
    modes: Mapping[str, str] = field(default_factory=dict)
    decision: DataDecision | None = None


@dataclass(frozen=True, kw_only=True)
class Member:
    """An export (`kind` EXPORT) or a burst (BURST) that waits."""

    kind: str
    request_id: str


class DataWaits:
    """What waits for data at one gate."""

    def __init__(self, table: Table, keys: Keys) -> None:
        self._table = table
        self._keys = keys

    def groups(self) -> list[WaitGroup]:
        """All groups, those that end first first; one that cannot be read is reported."""
        found = self._table.query(self._keys.waits_partition)
        return list(self._table.readable(found, _group_from))

    def count_members(self, group: WaitGroup, most: int) -> int:
        """How many wait in a group, at most `most`: about a read unit for each hundred."""
        partition = self._keys.waiting(group.wait, "", "")[0]
        return self._table.count(partition, before="~", most=most)

    def note_modes(self, group: WaitGroup, modes: Mapping[str, str]) -> None:
        """Keep the import modes of a group's data sets, so that they are asked for once."""
        self._table.update(
            update_of(
                self._keys.wait(group.wait),
                "SET modes = :modes",
                condition="attribute_exists(pk)",
                values={":modes": dict(modes)},
            )
        )

    def decide(self, group: WaitGroup, decision: DataDecision) -> DataDecision:
        """Keep what was decided of a group; answers what was decided before, if it was.

        Raises ConditionFailedError if the group is gone.
        """
        item = self._table.update(
            update_of(
                self._keys.wait(group.wait),
                "SET decision = if_not_exists(decision, :decision)",
                condition="attribute_exists(pk)",
                values={":decision": asdict(decision)},
            )
        )
        return read_part(item["decision"], DataDecision)

    def members(self, group: WaitGroup, most: int) -> Iterator[Member]:
        """Up to `most` of those that wait."""
        partition = self._keys.waiting(group.wait, "", "")[0]
        for item in self._table.query(partition, limit=most):
            kind, _, request_id = item["sk"].partition("#")
            yield Member(kind=kind, request_id=request_id)

    def drop(self, wait: DataWait, member: Member) -> None:
        """Forget one that does not wait any more."""
        self._table.write(delete_of(self._keys.waiting(wait, member.kind, member.request_id)))

    def remove(self, group: WaitGroup) -> None:
        """Remove a group without members. Raises ConditionFailedError if somebody joined it."""
        self._table.write(
            delete_of(
                self._keys.wait(group.wait),
                condition="joined = :joined",
                values={":joined": group.joined},
            )
        )

    def start_export(self, export: Export, queued: Export) -> None:
        """Put an export that waits into the backlog, given as it waits and as it shall.

        Raises ConditionFailedError if it does not wait any more, or is ending.
        """
        entry = entry_of(queued)
        key = self._keys.new_entry(entry)
        self._table.transact(
            [
                self._on_waiting(
                    export,
                    "SET #status = :queued, #rank = :rank, entry_key = :entry, "
                    "#version = :version, warnings = :warnings, #data = :data",
                    {
                        ":queued": Status.QUEUED,
                        ":rank": queued.rank,
                        ":entry": key[1],
                        ":version": export_attributes(queued)["version"],
                        ":warnings": [asdict(each) for each in queued.warnings],
                        ":data": asdict(queued.data) if queued.data else {},
                    },
                ),
                put_of(key, entry_attributes(entry)),
                *self._leave(export.wait, "EXPORT", export.export_id),
            ]
        )

    def hold_export(self, export: Export, decision: DataDecision) -> None:
        """Hold an export that waits until somebody releases it. Raises as `start_export` does."""
        self._table.transact(
            [
                self._on_waiting(
                    export,
                    "SET #status = :held, #data = :data",
                    {":held": Status.HELD, ":data": asdict(decision)},
                ),
                *self._leave(export.wait, "EXPORT", export.export_id),
            ]
        )

    def begin_failure(self, export: Export, failed: Export) -> None:
        """Note the end of an export that waits before it is announced. Raises ConditionFailedError
        if it does not wait any more, or its end is noted."""
        assert failed.error is not None
        self._table.transact(
            [
                self._on_waiting(
                    export,
                    "SET ending = :end, ending_at = :at, #error = :error, #data = :data",
                    {
                        ":end": Status.FAILED,
                        ":at": failed.finished_at,
                        ":error": asdict(failed.error),
                        ":data": asdict(failed.data) if failed.data else {},
                    },
                )
            ]
        )

    def end_failure(self, export: Export, expires_at: int) -> None:
        """Write the end that was noted. Raises ConditionFailedError if it was written before."""
        self._table.transact(
            [
                update_of(
                    self._keys.export(export.export_id),
                    "SET #status = :end, finished_at = :at, expires_at = :expires, "
                    "#version = :version",
                    condition=f"{_WAITS} AND ending = :end",
                    values={
                        ":waiting": Status.WAITING_FOR_DATA,
                        ":held": Status.HELD,
                        ":end": Status.FAILED,
                        ":at": export.ending_at,
                        ":expires": expires_at,
                        ":version": 1,
                    },
                ),
                *self._leave(export.wait, "EXPORT", export.export_id),
            ]
        )

    def cancel_export(self, export: Export, now: float, expires_at: int, error: Item) -> None:
        """End an export that waits as CANCELLED. Raises as `start_export` does."""
        self._table.transact(
            [
                self._on_waiting(
                    export,
                    "SET #status = :end, #error = :error, finished_at = :at, "
                    "expires_at = :expires, #version = :version",
                    {
                        ":end": Status.CANCELLED,
                        ":error": error,
                        ":at": now,
                        ":expires": expires_at,
                        ":version": 1,
                    },
                ),
                *self._leave(export.wait, "EXPORT", export.export_id),
            ]
        )

    def start_burst(self, burst: Burst, started: Burst) -> None:
        """Let a burst that waits be expanded, or be closed with its error, given as it is to be.

        Raises ConditionFailedError if it does not wait any more.
        """
        text = (
            "SET #status = :next, #version = :version, touched_at = :touched, warnings = :warnings"
        )
        values: Item = {
            ":waiting": BurstStatus.WAITING_FOR_DATA,
            ":held": BurstStatus.HELD,
            ":next": started.status,
            ":version": QUERIED_VERSION if started.status is BurstStatus.QUERYING else VERSION,
            ":touched": started.touched_at,
            ":warnings": [asdict(each) for each in started.warnings],
        }
        if started.data:
            text += ", #data = :data"
            values[":data"] = asdict(started.data)
        if started.error:
            text += ", #error = :error, expanded_at = :touched"
            values[":error"] = asdict(started.error)
        if started.released_at:
            text += ", released_at = :touched"
        self._table.transact(
            [
                update_of(burst_key(burst.burst_id), text, values, condition=_WAITS),
                *self._leave(burst.wait, "BURST", burst.burst_id),
            ]
        )

    def hold_burst(self, burst: Burst, decision: DataDecision, now: float) -> None:
        """Hold a burst that waits until somebody releases it. Raises as `start_burst` does."""
        self._table.transact(
            [
                update_of(
                    burst_key(burst.burst_id),
                    "SET #status = :held, #data = :data, touched_at = :now",
                    condition="#status = :waiting",
                    values={
                        ":waiting": BurstStatus.WAITING_FOR_DATA,
                        ":held": BurstStatus.HELD,
                        ":data": asdict(decision),
                        ":now": now,
                    },
                ),
                *self._leave(burst.wait, "BURST", burst.burst_id),
            ]
        )

    def _on_waiting(self, export: Export, expression: str, values: Item) -> Item:
        return update_of(
            self._keys.export(export.export_id),
            expression,
            condition=f"{_WAITS} AND attribute_not_exists(ending)",
            values=values | {":waiting": Status.WAITING_FOR_DATA, ":held": Status.HELD},
        )

    def _leave(self, wait: DataWait | None, kind: str, request_id: str) -> list[Item]:
        return [delete_of(self._keys.waiting(wait, kind, request_id))] if wait else []


def _group_from(item: Item) -> WaitGroup:
    with refusing_what_cannot_be("WaitGroup"):
        group = read_record(item, WaitGroup)
    if group.wait.group != item["sk"]:
        raise UnreadableRecordError("WaitGroup", "wait")
    return group

"""The table's reads and its transactions, each named after the step that it makes.

Invariant kept by every transaction here: the gate's `running` equals the number of attempt records
that hold a slot, since both change in one transaction or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any

from aws_lambda_powertools import Logger

from snapshot_export.adapters.table.burst_records import count_end
from snapshot_export.adapters.table.dynamodb import (
    Item,
    Key,
    Table,
    assigning,
    delete_of,
    put_of,
    report_unreadable,
    update_of,
)
from snapshot_export.adapters.table.outbox import outbox_writes
from snapshot_export.adapters.table.records import (
    ATTEMPT_PREFIX,
    Keys,
    attempt_attributes,
    attempt_from,
    due_key,
    entry_attributes,
    entry_from,
    export_attributes,
    export_from,
    gate_from,
    lease_attributes,
    stand_in_for,
)
from snapshot_export.domain.admission import entry_of
from snapshot_export.domain.backlog import BacklogEntry, front_rank
from snapshot_export.domain.data_wait import DataWait
from snapshot_export.domain.delivery import deliveries_of
from snapshot_export.domain.export import LOST, Attempt, Export, Status, leases_after
from snapshot_export.domain.gate import HOLD_SECONDS, Admission, Gate
from snapshot_export.domain.hint import MISSED_AT_MOST
from snapshot_export.errors import (
    ConditionFailedError,
    IdConflictError,
    NewerRecordError,
    UnreadableRecordError,
    WriteRefusedError,
)

logger = Logger(child=True)

MAX_ADMITTED_AT_ONCE = 24
"""A transaction takes 100 writes; an admission makes 3 for each export and 1 for the gate."""

_NOT_MARKED = " AND attribute_not_exists(cancel_requested_at)"
_GOES_ON = f"{_NOT_MARKED} AND attribute_not_exists(ending)"
_JUDGED = ("limit", "reserved", "ceiling", "paused_until")
"""What of the gate an admission was decided by, besides the counter."""
SAME_ADMISSION = "attempt = :attempt AND admission = :admission"


CANCELLED_WAITING = {"code": "CANCELLED", "message": "cancelled on request while it waited"}


@dataclass(frozen=True)
class Head:
    """The first of the backlog, in order, and the keys of entries that cannot be read."""

    entries: list[BacklogEntry]
    unreadable: list[Key]


class Store:
    """Records of one gate and its exports."""

    def __init__(self, table: Table, keys: Keys) -> None:
        self._table = table
        self._keys = keys

    def export(self, export_id: str) -> Export | None:
        """The export, or None."""
        item = self._table.get(self._keys.export(export_id))
        return export_from(item) if item else None

    def attempt(self, export_id: str) -> Attempt | None:
        """The export's present attempt, or None while it waits or after its end."""
        item = self._table.get(self._keys.attempt(export_id))
        return attempt_from(item) if item else None

    def gate(self) -> Gate:
        """The gate."""
        return gate_from(self._table.get(self._keys.gate))

    def change_gate(self, changes: Mapping[str, float | None]) -> None:
        """Set attributes of the gate (limit, reserved, paused_until); None removes one."""
        if changes:
            self._table.update(update_of(self._keys.gate, *assigning(changes)))

    def count_waiting(self, most: int) -> int:
        """How many exports wait, retries included, at most `most`."""
        found = self._table.count(self._keys.backlog_partition, before="~", most=most)
        if found < most:
            found += self._table.count(self._keys.retry_partition, before="~", most=most - found)
        return found

    def in_flight(self) -> tuple[Gate, tuple[Attempt, ...]]:
        """The gate and all attempts, from one partition.

        An attempt that cannot be read is there too, as one that is not `is_readable`: it holds its
        slot.
        """
        items = list(self._table.query(self._keys.gate_partition))
        gate = next((item for item in items if item["sk"] == self._keys.gate[1]), None)
        return gate_from(gate), _attempts_of(items)

    def leases(self) -> tuple[Attempt, ...]:
        """All attempts, whether the gate can be read or not."""
        return _attempts_of(self._table.query(self._keys.gate_partition))

    def waiting(self, most: int) -> list[BacklogEntry]:
        """Retries by their due times, then the backlog in order: at most `most` of each.

        About 35 read units for 1,000 entries.
        """
        partitions = (self._keys.retry_partition, self._keys.backlog_partition)
        return [
            entry
            for partition in partitions
            for entry in self._table.readable(self._table.query(partition, limit=most), entry_from)
        ]

    def waiting_before(self, rank: str, most: int) -> list[BacklogEntry]:
        """The first `most` entries of the backlog up to a rank, in order."""
        found = self._table.query(self._keys.backlog_partition, up_to=rank, limit=most)
        return list(self._table.readable(found, entry_from))

    def waiting_behind(self, rank: str, most: int) -> list[BacklogEntry]:
        """The first `most` entries of the backlog behind a rank, in order."""
        found = self._table.query(self._keys.backlog_partition, after=rank, limit=most)
        return list(self._table.readable(found, entry_from))

    def mark_at_risk(self, entry: BacklogEntry | Attempt, now: float) -> None:
        """Note that an export was announced as at risk, on its record and where it waits or runs.

        Raises ConditionFailedError if it is there no more; it may be announced again then.
        """
        if isinstance(entry, BacklogEntry):
            key = _key_of(entry)
        else:
            key = self._keys.attempt(entry.export_id)
        self._table.transact(
            [
                update_of(
                    self._keys.export(entry.export_id),
                    "SET at_risk_at = if_not_exists(at_risk_at, :now)",
                    condition="attribute_exists(pk)",
                    values={":now": now},
                ),
                update_of(
                    key,
                    "SET at_risk = :yes",
                    condition="export_id = :id",
                    values={":yes": True, ":id": entry.export_id},
                ),
            ]
        )

    def first_waiting(self, count: int, now: float) -> list[BacklogEntry]:
        """The next `count` exports to admit: retries that are due, then the backlog in order."""
        return self.head(count, now).entries

    def head(self, count: int, now: float) -> Head:
        """The same, with the keys of entries before them that nobody can read."""
        head = Head(entries=[], unreadable=[])
        retries = self._table.query(
            self._keys.retry_partition, up_to=due_key(now) + "~", page=count
        )
        backlog = self._table.query(self._keys.backlog_partition, page=count)
        for item in chain(retries, backlog):
            try:
                head.entries.append(entry_from(item))
            except NewerRecordError as error:
                report_unreadable(item, error)
            except UnreadableRecordError as error:
                report_unreadable(item, error)
                head.unreadable.append((item["pk"], item["sk"]))
            if len(head.entries) == count:
                break
        return head

    def accept(self, export: Export) -> bool:
        """Write an export with its place in the backlog, or among those that wait for their data.
        False if it was accepted before.

        An export of this id that was REJECTED may be sent again. Raises IdConflictError if the id
        names another request.
        """
        try:
            self._table.transact(accept_writes(self._keys, export))
            return True
        except ConditionFailedError:
            known = self.export(export.export_id)
            if known is None or known.status is Status.REJECTED:
                raise
            if known.digest != export.digest:
                raise IdConflictError(export.export_id, known.accepted_at) from None
            return False

    def reject(self, export: Export, expires_at: int) -> bool:
        """Write a REJECTED record, unless its id names an export. False if it does."""
        put = put_of(
            self._keys.export(export.export_id),
            export_attributes(export) | {"expires_at": expires_at},
            condition="attribute_not_exists(pk) OR #status = :rejected",
            values={":rejected": Status.REJECTED},
        )
        try:
            self._table.write(put)
            return True
        except ConditionFailedError:
            return False

    def admit(
        self, admission: Admission, attempts: Sequence[Attempt], entries: Sequence[BacklogEntry]
    ) -> None:
        """Let exports in: count their slots, write their leases, take their backlog entries.

        Conditional on `running` leaving room under the cap, and on limit, reserve, ceiling and
        pause being those of the decision. Raises ConditionFailedError with the positions: 0 is the
        gate, then three writes for each export (entry, lease, export).
        """
        writes = [self._count_slots(admission, len(attempts))]
        for attempt, entry in zip(attempts, entries, strict=True):
            writes += [
                delete_of(_key_of(entry), condition="attribute_exists(pk)"),
                put_of(
                    self._keys.attempt(attempt.export_id),
                    attempt_attributes(attempt),
                    condition="attribute_not_exists(pk)",
                ),
                update_of(
                    self._keys.export(attempt.export_id),
                    "SET #status = :running, admission = :admission, admitted_at = :now",
                    condition="#status = :queued AND attempt = :attempt",
                    values=admission_values(attempt)
                    | {
                        ":running": Status.RUNNING,
                        ":queued": Status.QUEUED,
                        ":now": attempt.admitted_at,
                    },
                ),
            ]
        self._table.transact(writes)

    def begin_call(self, attempt: Attempt, until: float) -> Attempt:
        """Note that a start of the job may be under way until then (domain/windows.py).

        One write with the export's, so that no start is sent after a cancellation or a noted end.
        Raises ConditionFailedError for either, for a job that was started, and if somebody else
        noted a call since `attempt` was read.
        """
        noted = replace(
            attempt, call_until=until, unsure_until=attempt.call_until or attempt.unsure_until
        )
        expression, values = "SET call_until = :until", {":until": until}
        if noted.unsure_until is not None:
            expression += ", unsure_until = :unsure"
            values[":unsure"] = noted.unsure_until
        self._table.transact(
            [
                self._on_unstarted(attempt, expression, values),
                self._on_export(attempt, "SET admission = :admission", {}, condition=_GOES_ON),
            ]
        )
        return noted

    def end_call(self, attempt: Attempt, *, is_answered: bool) -> None:
        """Note that the start noted by `begin_call` is over; unanswered, it may arrive yet."""
        expression = "REMOVE call_until"
        if not is_answered:
            expression = f"SET unsure_until = call_until {expression}"
        with suppress(ConditionFailedError):
            self._table.update(self._on_unstarted(attempt, expression, {}))

    def mark_started(self, attempt: Attempt, started_at: float) -> Attempt:
        """Note that QuickSight has the job. Raises ConditionFailedError if the lease is gone."""
        item = self._table.update(
            self._on_attempt(
                attempt,
                "SET started_at = if_not_exists(started_at, :at)",
                {":at": started_at},
            )
        )
        return attempt_from(item)

    def mark_unknown(self, attempt: Attempt, now: float) -> None:
        """Note since when QuickSight does not know the job."""
        expression = "SET first_unknown_at = if_not_exists(first_unknown_at, :now)"
        with suppress(ConditionFailedError):
            self._table.update(self._on_attempt(attempt, expression, {":now": now}))

    def mark_known(self, attempt: Attempt) -> None:
        """Note that QuickSight knows the job after all."""
        with suppress(ConditionFailedError):
            self._table.update(self._on_attempt(attempt, "REMOVE first_unknown_at", {}))

    def begin_asking(self, attempt: Attempt, now: float, until: float) -> None:
        """Note that the attempt's files came, and that QuickSight is asked closely until then.

        Raises ConditionFailedError if somebody asks already, or the slot is free.
        """
        self._table.update(
            self._on_attempt(
                attempt,
                "SET asking_until = :until",
                {":until": until, ":now": now},
                condition=" AND (attribute_not_exists(asking_until) OR asking_until < :now)",
            )
        )

    def count_hint(self) -> None:
        """Note on the gate that hints come, unless it says so."""
        if self.gate().hints_missed != 0:
            self._table.update(
                update_of(self._keys.gate, "SET hints_missed = :none", values={":none": 0})
            )

    def release(
        self, attempt: Attempt, job_status: str, ended_at: float, released_at: float
    ) -> None:
        """Free the slot of a job that ended, or that QuickSight does not know.

        A job that is COMPLETED and of which no hint came counts as one missed. Raises
        ConditionFailedError if it was freed before; of a job that is LOST also if it was
        started, a start was noted, or it was known again since `attempt` was read.
        """
        condition, more = "", dict[str, Any]()
        if job_status == LOST and attempt.started_at is None:
            condition, more = _unstarted(attempt)
        elif job_status == LOST:
            condition, more = " AND first_unknown_at = :since", {":since": attempt.first_unknown_at}
        self._table.transact(
            [
                self._free_slot(misses_hint=_misses_hint(attempt, job_status)),
                self._on_attempt(
                    attempt,
                    "SET holds_slot = :no, job_status = :status, job_ended_at = :at, "
                    "released_at = :released",
                    {
                        ":no": False,
                        ":status": job_status,
                        ":at": ended_at,
                        ":released": released_at,
                    }
                    | more,
                    condition=condition,
                ),
            ]
        )

    def hand_back(self, attempt: Attempt, export: Export, now: float) -> None:
        """Return an export whose job never began to the front of the backlog, and free its slot.

        The gate's ceiling becomes the number of slots that are left running. Raises
        ConditionFailedError if the job was started or another start was noted since `attempt` was
        read, and for an export that is marked as cancelled or ending.
        """
        queued = replace(export, rank=front_rank(export.rank), admission=attempt.admission)
        entry = entry_of(queued)
        key = self._keys.new_entry(entry)
        self._table.transact(
            [
                self._free_slot(hold_until=now + HOLD_SECONDS),
                self._delete_attempt(attempt, holds_slot=True),
                put_of(key, entry_attributes(entry)),
                self._on_export(
                    attempt,
                    "SET #status = :queued, #rank = :rank, due_at = :due, entry_key = :entry, "
                    "leases = :leases",
                    {
                        ":entry": key[1],
                        ":queued": Status.QUEUED,
                        ":rank": queued.rank,
                        ":due": 0,
                        ":leases": lease_attributes(leases_after(export, attempt, now)),
                    },
                    condition=_GOES_ON,
                ),
            ]
        )

    def queue_next(self, attempt: Attempt, export: Export, due_at: float | None = None) -> None:
        """Queue the next attempt of an export whose snapshot job was released.

        `export` is the record as it shall be: its next attempt, part, failures, files and error.
        Without `due_at` it goes to the front of the backlog. Raises ConditionFailedError also for
        an export that is marked as cancelled or ending.
        """
        data = export_attributes(export)
        queued = replace(export, rank=front_rank(export.rank), admission=attempt.admission)
        entry = entry_of(queued, due_at)
        key = self._keys.new_entry(entry)
        self._table.transact(
            [
                self._delete_attempt(attempt, holds_slot=False),
                put_of(key, entry_attributes(entry)),
                self._on_export(
                    attempt,
                    "SET #status = :queued, attempt = :next, part = :part, failures = :failures, "
                    "files = :files, held = :held, is_empty = :is_empty, #error = :error, "
                    "job_seconds = :seconds, "
                    "leases = :leases, #rank = :rank, due_at = :due, entry_key = :entry",
                    {
                        ":entry": key[1],
                        ":queued": Status.QUEUED,
                        ":next": export.attempt,
                        ":part": export.part,
                        ":failures": export.failures,
                        ":files": data["files"],
                        ":held": data["held"],
                        ":is_empty": export.is_empty,
                        ":error": data["error"] or {},
                        ":seconds": export.job_seconds or 0,
                        ":leases": lease_attributes(leases_after(export, attempt)),
                        ":rank": queued.rank,
                        ":due": due_at or 0,
                    },
                    condition=_GOES_ON,
                ),
            ]
        )

    def begin_end(self, attempt: Attempt, export: Export) -> None:
        """Note the end that is about to be announced, with all that its announcement says.

        From here on a cancellation comes too late, no job is started, and the end stays. Raises
        ConditionFailedError if the export was marked as cancelled before, has ended or is ending;
        where the slot is held, also if a start was noted since `attempt` was read.
        """
        data = export_attributes(export)
        writes = [
            self._on_export(
                attempt,
                "SET ending = :end, ending_at = :at, files = :files, #error = :error, "
                "job_seconds = :seconds, is_empty = :is_empty",
                {
                    ":is_empty": export.is_empty,
                    ":end": export.status,
                    ":at": export.finished_at,
                    ":files": data["files"],
                    ":error": data["error"] or {},
                    ":seconds": export.job_seconds or 0,
                },
                condition=f"{_NOT_MARKED} AND (attribute_not_exists(ending) "
                "OR (ending = :end AND attribute_not_exists(ending_at)))",
            )
        ]
        if attempt.holds_slot:
            writes.append(self._on_unstarted(attempt, "SET holds_slot = :yes", {}))
        self._table.transact(writes)

    def finish(self, attempt: Attempt, export: Export, expires_at: int) -> None:
        """Write the end of an export and remove its attempt, freeing the slot if it holds one; put
        its mails into the outbox.

        Raises ConditionFailedError if it has ended, and for another end than is noted.
        """
        data = export_attributes(export)
        other_end = " AND ending = :end"
        if export.status is Status.CANCELLED:
            other_end = " AND attribute_not_exists(ending)"
        writes = [
            self._on_export(
                attempt,
                "SET #status = :end, files = :files, #error = :error, finished_at = :at, "
                "job_seconds = :seconds, leases = :leases, expires_at = :expires",
                {
                    ":end": export.status,
                    ":files": data["files"],
                    ":error": data["error"] or {},
                    ":at": export.finished_at,
                    ":seconds": export.job_seconds or 0,
                    ":leases": lease_attributes(leases_after(export, attempt, export.finished_at)),
                    ":expires": expires_at,
                },
                condition=other_end,
            ),
            self._delete_attempt(attempt, holds_slot=attempt.holds_slot),
            *outbox_writes(self._keys, deliveries_of(export), expires_at),
        ]
        if attempt.holds_slot:
            writes.append(self._free_slot())
        self._end(writes, export)

    def cancel_waiting(self, export: Export, now: float, expires_at: int) -> None:
        """Write the end of an export that waits, and take its entry, in one transaction.

        Raises ConditionFailedError if it does not wait (any more). An entry of it that lies
        elsewhere is dropped by the admission that meets it.
        """
        key = self._entry_key(export)
        self._end(
            [
                update_of(
                    self._keys.export(export.export_id),
                    "SET #status = :end, #error = :error, finished_at = :at, expires_at = :expires",
                    condition=f"#status = :queued AND {SAME_ADMISSION}",
                    values=admission_values(export)
                    | {
                        ":end": Status.CANCELLED,
                        ":queued": Status.QUEUED,
                        ":error": CANCELLED_WAITING,
                        ":at": now,
                        ":expires": expires_at,
                    },
                ),
                delete_of(key),
            ],
            replace(export, status=Status.CANCELLED, finished_at=now),
        )

    def take_back(self, export: Export, attempt: Attempt, now: float) -> None:
        """Mark an export that waits as cancelled, as one that runs without a slot, and take its
        entry.

        Raises ConditionFailedError if it does not wait (any more).
        """
        self._table.transact(
            [
                update_of(
                    self._keys.export(export.export_id),
                    "SET #status = :running, admission = :next, cancel_requested_at = :now",
                    condition=f"#status = :queued AND {SAME_ADMISSION}",
                    values=admission_values(export)
                    | {
                        ":running": Status.RUNNING,
                        ":queued": Status.QUEUED,
                        ":next": attempt.admission,
                        ":now": now,
                    },
                ),
                put_of(
                    self._keys.attempt(export.export_id),
                    attempt_attributes(attempt),
                    condition="attribute_not_exists(pk)",
                ),
                delete_of(self._entry_key(export)),
            ]
        )

    def _end(self, writes: Sequence[Item], export: Export) -> None:
        """An export ends although the record of its burst does not take the count."""
        counting = count_end(export)
        try:
            self._table.transact([*writes, *counting])
        except WriteRefusedError:
            if not counting:
                raise
            self._table.transact(writes)
            logger.error("end not counted", reason="record", burst_id=export.burst_id)

    def mark_cancelled(self, export_id: str, now: float) -> None:
        """Mark a running export. Raises ConditionFailedError if it does not run, or is ending."""
        self._table.update(
            update_of(
                self._keys.export(export_id),
                "SET cancel_requested_at = if_not_exists(cancel_requested_at, :now)",
                condition="#status = :running AND attribute_not_exists(ending)",
                values={":now": now, ":running": Status.RUNNING},
            )
        )

    def mark_restarted(self, attempt: Attempt, now: float, start_by: float) -> Attempt:
        """Count a new execution for an attempt whose execution is gone."""
        item = self._table.update(
            update_of(
                self._keys.attempt(attempt.export_id),
                "SET restarts = :next, restarted_at = :now, start_by = :by",
                condition=f"{SAME_ADMISSION} AND restarts = :seen",
                values=admission_values(attempt)
                | {
                    ":seen": attempt.restarts,
                    ":next": attempt.restarts + 1,
                    ":now": now,
                    ":by": start_by,
                },
            )
        )
        return attempt_from(item)

    def correct_counter(self, seen: int, leases: int) -> None:
        """Set the gate's counter to the number of leases, if it still is `seen`."""
        self._table.update(
            update_of(
                self._keys.gate,
                "SET running = :leases",
                condition="running = :seen"
                if seen
                else "attribute_not_exists(running) OR running = :seen",
                values={":leases": leases, ":seen": seen},
            )
        )

    def _count_slots(self, admission: Admission, count: int) -> Item:
        values: Item = {":count": count, ":zero": 0, ":room": admission.cap - count}
        expression = "SET running = if_not_exists(running, :zero) + :count"
        if admission.ceiling is None:
            expression += " REMOVE ceiling, ceiling_until"
        else:
            expression += ", ceiling = :ceiling, ceiling_until = :until"
            values |= {":ceiling": admission.ceiling, ":until": admission.ceiling_until}
        condition = "(attribute_not_exists(running) OR running <= :room)"
        for name in _JUDGED:
            seen = getattr(admission.seen, name)
            if seen is None:
                condition += f" AND attribute_not_exists(#{name})"
                continue
            values |= {f":seen_{name}": seen}
            missing = "" if seen else f"attribute_not_exists(#{name}) OR "
            condition += f" AND ({missing}#{name} = :seen_{name})"
        return update_of(
            self._keys.gate,
            expression,
            condition=condition,
            values=values,
        )

    def _free_slot(self, hold_until: float | None = None, *, misses_hint: bool = False) -> Item:
        expression = "SET running = running - :one"
        values: Item = {":one": 1, ":zero": 0}
        if hold_until is not None:
            expression += ", ceiling = running - :one, ceiling_until = :until"
            values |= {":until": hold_until}
        if misses_hint:
            expression += ", hints_missed = if_not_exists(hints_missed, :never) + :one"
            values |= {":never": MISSED_AT_MOST}
        return update_of(self._keys.gate, expression, condition="running > :zero", values=values)

    def _entry_key(self, export: Export) -> Key:
        """Where the entry of an export that waits lies."""
        if export.entry_key is None:
            return self._keys.new_entry(entry_of(export, export.due_at or None))
        partition = self._keys.retry_partition if export.due_at else self._keys.backlog_partition
        return (partition, export.entry_key)

    def _delete_attempt(self, attempt: Attempt, *, holds_slot: bool) -> Item:
        """One that holds a slot is of a job that was not started: its job's end would free it."""
        condition, values = _unstarted(attempt) if holds_slot else ("", {})
        return delete_of(
            self._keys.attempt(attempt.export_id),
            condition=f"{SAME_ADMISSION} AND holds_slot = :holds{condition}",
            values=values | admission_values(attempt) | {":holds": holds_slot},
        )

    def _on_unstarted(self, attempt: Attempt, expression: str, values: Item) -> Item:
        condition, more = _unstarted(attempt)
        return self._on_attempt(attempt, expression, values | more, condition=condition)

    def _on_attempt(
        self, attempt: Attempt, expression: str, values: Item, *, condition: str = ""
    ) -> Item:
        return update_of(
            self._keys.attempt(attempt.export_id),
            expression,
            condition=f"{SAME_ADMISSION} AND holds_slot = :yes{condition}",
            values=values | admission_values(attempt) | {":yes": True},
        )

    def _on_export(
        self, attempt: Attempt, expression: str, values: Item, *, condition: str = ""
    ) -> Item:
        return update_of(
            self._keys.export(attempt.export_id),
            expression,
            condition=f"#status = :running AND {SAME_ADMISSION}{condition}",
            values=values | admission_values(attempt) | {":running": Status.RUNNING},
        )


def admission_values(record: Export | Attempt) -> Item:
    """The values of SAME_ADMISSION."""
    return {":attempt": record.attempt, ":admission": record.admission}


def _unstarted(attempt: Attempt) -> tuple[str, Item]:
    """The condition, with its values, that no start was noted, answered or left unanswered since
    it was read."""
    condition, values = " AND attribute_not_exists(started_at)", Item()
    for name in ("call_until", "unsure_until"):
        seen = getattr(attempt, name)
        if seen is None:
            condition += f" AND attribute_not_exists({name})"
        else:
            condition += f" AND {name} = :seen_{name}"
            values[f":seen_{name}"] = seen
    return condition, values


def accept_writes(keys: Keys, export: Export) -> list[Item]:
    """The writes that accept an export: its record, if its id is free, and its place, in the
    backlog or among those that wait for the same data."""
    if export.wait is not None:
        place = join_writes(keys, export.wait, "EXPORT", export.export_id, export.nonce)
    else:
        entry = entry_of(export)
        key = keys.new_entry(entry)
        export = replace(export, entry_key=key[1])
        place = [put_of(key, entry_attributes(entry))]
    record = put_of(
        keys.export(export.export_id),
        export_attributes(export),
        condition="attribute_not_exists(pk) OR #status = :rejected",
        values={":rejected": Status.REJECTED},
    )
    return [record, *place]


def join_writes(keys: Keys, wait: DataWait, kind: str, request_id: str, nonce: str) -> list[Item]:
    """The two writes by which a request joins those that wait for the same."""
    return [
        put_of(keys.waiting(wait, kind, request_id), {}),
        update_of(
            keys.wait(wait),
            "SET joined = :nonce, #wait = if_not_exists(#wait, :wait)",
            values={":nonce": f"{request_id}-{nonce}", ":wait": asdict(wait)},
        ),
    ]


def _attempts_of(items: Iterable[Item]) -> tuple[Attempt, ...]:
    return tuple(_lease_from(item) for item in items if item["sk"].startswith(ATTEMPT_PREFIX))


def _lease_from(item: Item) -> Attempt:
    try:
        return attempt_from(item)
    except (NewerRecordError, UnreadableRecordError) as error:
        report_unreadable(item, error)
        return stand_in_for(item)


def _key_of(entry: BacklogEntry) -> Key:
    assert entry.key is not None, "an entry that was read"
    return entry.key


def _misses_hint(attempt: Attempt, job_status: str) -> bool:
    """Whether a job ended of which a hint should have come, and none did."""
    return job_status == "COMPLETED" and attempt.files > 0 and attempt.asking_until is None

"""The table's transactions for the retry of a burst: each is all or nothing.

Invariant kept by every transaction here: a burst's counts of ends are those of its exports, since
an export leaves its end and the count of that end together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from snapshot_export.adapters.table.burst_records import COUNTS_OF_ENDS, burst_key, retry_key
from snapshot_export.adapters.table.dynamodb import Item, Table, put_of, update_of
from snapshot_export.adapters.table.records import Keys, entry_attributes
from snapshot_export.adapters.table.store import SAME_ADMISSION, admission_values
from snapshot_export.domain.admission import entry_of
from snapshot_export.domain.burst import RETRIED_VERSION, Burst, BurstStatus
from snapshot_export.domain.burst_retry import RetryPlan
from snapshot_export.domain.export import Export

MAX_REQUEUED = 49
"""A transaction takes 100 writes: two for each export, and one for the burst."""
_FORGOTTEN_OF_BURST = (
    "finished_at, expires_at, reasons, draining_at, at_risk_at, foretold_at, foretold_p50, "
    "foretold_p95"
)
_FORGOTTEN_OF_EXPORT = (
    "#error, finished_at, expires_at, ending, ending_at, cancel_requested_at, at_risk_at, is_empty"
)


class BurstRetries:
    """Bursts of one gate that are run again."""

    def __init__(self, table: Table, keys: Keys) -> None:
        self._table = table
        self._keys = keys

    def begin(self, seen: Burst, again: Burst, plan: RetryPlan) -> None:
        """Open a burst that ended, as its next revision, with its marker and what runs again.

        Raises ConditionFailedError if it is another revision, or not ended, any more.
        """
        lines = None if plan.lines is None else sorted(plan.lines)
        self._table.transact(
            [
                update_of(
                    burst_key(seen.burst_id),
                    "SET #status = :running, revision = :next, #version = :version, "
                    "retry_digest = :digest, retried_at = :now, touched_at = :now, "
                    "retried_to = :first, drained_to = :first, was_cancelled = :cancelled "
                    f"REMOVE {_FORGOTTEN_OF_BURST}",
                    condition="#status = :seen "
                    "AND (attribute_not_exists(revision) OR revision = :revision)",
                    values={
                        ":running": BurstStatus.RUNNING,
                        ":seen": seen.status,
                        ":revision": seen.revision,
                        ":next": again.revision,
                        ":version": RETRIED_VERSION,
                        ":digest": again.retry_digest,
                        ":now": again.retried_at,
                        ":first": again.retried_to,
                        ":cancelled": again.was_cancelled,
                    },
                ),
                put_of(retry_key(seen.burst_id), {"lines": lines, "deadline": plan.deadline}),
                put_of((self._keys.bursts_partition, seen.burst_id), {}),
            ]
        )

    def plan(self, burst_id: str) -> RetryPlan:
        """What the retry under way is of."""
        item = self._table.get(retry_key(burst_id)) or {"lines": []}
        lines = item.get("lines")
        return RetryPlan(
            lines=None if lines is None else frozenset(lines), deadline=item.get("deadline")
        )

    def requeue(self, seen: Burst, after: Burst, exports: Sequence[tuple[Export, Export]]) -> None:
        """Put exports back into the backlog, each given as it ended and as it waits, take their
        ends off the burst's counts, and move the burst's place on from `seen` to `after`.

        Raises ConditionFailedError with positions: 0 is the burst, which went on elsewhere or was
        cancelled; then two for each export, of which the first fails when it moved.
        """
        ends = Counter(COUNTS_OF_ENDS[ended.status.value] for ended, _ in exports)
        counts = ", ".join(f"{name} :{name}" for name in ends)
        writes = [
            update_of(
                burst_key(seen.burst_id),
                "SET retried_to = :place, touched_at = :now, finish_tag = :finish"
                + (f" ADD {counts}" if ends else ""),
                condition="#status = :running AND revision = :revision AND retried_to = :seen "
                "AND attribute_not_exists(draining_at)",
                values={
                    ":running": BurstStatus.RUNNING,
                    ":revision": seen.revision,
                    ":seen": seen.retried_to,
                    ":place": after.retried_to,
                    ":finish": after.finish_tag,
                    ":now": after.touched_at,
                }
                | {f":{name}": -count for name, count in ends.items()},
            )
        ]
        for ended, waiting in exports:
            writes += self._requeue_writes(ended, waiting)
        self._table.transact(writes)

    def _requeue_writes(self, ended: Export, waiting: Export) -> Iterable[Item]:
        entry = entry_of(waiting)
        key = self._keys.new_entry(entry)
        expression = (
            "SET #status = :queued, revision = :revision, attempt = :next, part = :part, "
            "failures = :failures, files = :files, held = :files, #rank = :rank, due_at = :due, "
            f"entry_key = :entry{{}} REMOVE {_FORGOTTEN_OF_EXPORT}{{}}"
        )
        has_deadline = waiting.deadline is not None
        deadline = (", deadline = :deadline", "") if has_deadline else ("", ", deadline")
        yield update_of(
            self._keys.export(ended.export_id),
            expression.format(*deadline),
            condition=f"#status = :ended AND {SAME_ADMISSION}",
            values=admission_values(ended)
            | {
                ":ended": ended.status,
                ":queued": waiting.status,
                ":revision": waiting.revision,
                ":next": waiting.attempt,
                ":part": waiting.part,
                ":failures": waiting.failures,
                ":files": [],
                ":rank": waiting.rank,
                ":due": 0,
                ":entry": key[1],
                ":deadline": waiting.deadline,
            },
        )
        yield put_of(key, entry_attributes(entry))

"""How many exports were completed lately, and what they cost beyond their jobs: an item a minute.

Beside the transaction that ends an export, not in it: one write of its own, on an item that no
transaction touches. A function that dies between the two leaves one export uncounted.
"""

from __future__ import annotations

from dataclasses import dataclass

from snapshot_export.adapters.table.dynamodb import Item, Table, update_of
from snapshot_export.adapters.table.record_version import MAX_NUMBER
from snapshot_export.adapters.table.records import Keys

MINUTE = 60
HOUR = 3600
KEPT_SECONDS = 26 * HOUR
SOME_EXPORTS = 5
"""For how many exports the usual overheads count."""


@dataclass(frozen=True)
class Overheads:
    """Seconds that an export costs beyond its job, on average.

    `held_idle`: its slot is held before and after the job. `collecting`: from the release of the
    slot to the end of the export.
    """

    held_idle: float
    collecting: float


USUAL = Overheads(held_idle=1.5, collecting=1.5)
"""Until some were measured."""


class Throughput:
    """Counters of one gate; they leave by TTL."""

    def __init__(self, table: Table, keys: Keys) -> None:
        self._table = table
        self._partition = keys.throughput_partition

    def count_completed(self, now: float, overheads: Overheads | None = None) -> None:
        """Count one completed export, with its overheads if known. Raises TransientError."""
        minute = int(now) // MINUTE * MINUTE
        values: Item = {":one": 1, ":expires": minute + KEPT_SECONDS}
        adding = "completed :one"
        if overheads is not None:
            adding += ", measured :one, held_idle :idle, collecting :collecting"
            values |= {":idle": overheads.held_idle, ":collecting": overheads.collecting}
        self._table.update(
            update_of(
                (self._partition, f"{minute:012d}"),
                f"ADD {adding} SET expires_at = :expires",
                values=values,
            )
        )

    def completed_last_hour(self, now: float) -> int:
        """Exports completed in the last 60 minutes, to the minute."""
        first = f"{int(now) - HOUR:012d}"
        items = self._table.query(self._partition, after=first)
        return int(sum(_number(item, "completed") for item in items))

    def overheads(self) -> Overheads:
        """The mean overheads of the last hour in which exports were completed, at most a day back.

        Those of the first few are mixed with the usual ones.
        """
        items = list(self._table.query(self._partition, limit=MINUTE, last_first=True))
        measured = SOME_EXPORTS + sum(_number(item, "measured") for item in items)
        idle = sum(_number(item, "held_idle") for item in items)
        collecting = sum(_number(item, "collecting") for item in items)
        return Overheads(
            held_idle=(SOME_EXPORTS * USUAL.held_idle + idle) / measured,
            collecting=(SOME_EXPORTS * USUAL.collecting + collecting) / measured,
        )


def _number(item: Item, name: str) -> float:
    """Nothing where a minute's counter lacks it, or holds something that is no number."""
    value = item.get(name, 0)
    return value if type(value) in (int, float) and abs(value) < MAX_NUMBER else 0

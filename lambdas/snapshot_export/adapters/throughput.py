"""How many exports were completed lately: one small counter for each minute.

Beside the transaction that ends an export, not in it: one write of its own, on an item that no
transaction touches. A function that dies between the two leaves one export uncounted.
"""

from __future__ import annotations

from snapshot_export.adapters.dynamodb import Table, update_of
from snapshot_export.adapters.records import Keys

MINUTE = 60
HOUR = 3600


class Throughput:
    """Counters of one gate; they leave by TTL."""

    def __init__(self, table: Table, keys: Keys) -> None:
        self._table = table
        self._partition = keys.throughput_partition

    def count_completed(self, now: float) -> None:
        """Count one completed export. Raises TransientError."""
        minute = int(now) // MINUTE * MINUTE
        self._table.update(
            update_of(
                (self._partition, f"{minute:012d}"),
                "ADD completed :one SET expires_at = :expires",
                values={":one": 1, ":expires": minute + 2 * HOUR},
            )
        )

    def completed_last_hour(self, now: float) -> int:
        """Exports completed in the last 60 minutes, to the minute."""
        first = f"{int(now) - HOUR:012d}"
        items = self._table.query(self._partition, after=first)
        return sum(item["completed"] for item in items)

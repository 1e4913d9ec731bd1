"""Where the flows of the backlog stand: the virtual time of a class, and the next single export's.

The virtual time is read off the backlog: the start tag of the first that waits in the class. A
burst's own place is on its record; that of the single exports of a class is an item, moved on by
one write of its own before the export is accepted. A function that dies between the two leaves a
tag that nobody has.
"""

from __future__ import annotations

from snapshot_export.adapters.table.dynamodb import Table, update_of
from snapshot_export.adapters.table.records import Keys
from snapshot_export.domain.backlog import is_single, start_tag_of
from snapshot_export.errors import ConditionFailedError

KEPT_SECONDS = 2 * 86_400
"""A class is of one day, and what waits longer than that is before all that comes."""
ATTEMPTS = 5


class FairOrder:
    """Flows of one gate."""

    def __init__(self, table: Table, keys: Keys) -> None:
        self._table = table
        self._keys = keys

    def virtual_time(self, of_class: str, now: float) -> float:
        """The start tag that is served in a class, in milliseconds; the time if nothing waits.

        `now` in epoch seconds. Raises TransientError.
        """
        first = self._first(of_class)
        return 1000.0 * now if first is None else _tag_of(first, now)

    def single_tag(self, of_class: str, cost: float, now: float) -> float:
        """The start tag of a single export that costs so much. Raises TransientError.

        One that came while nothing waited left no place behind it: the next goes after it.
        """
        first = self._first(of_class)
        if first is None:
            return 1000.0 * now
        earliest = _tag_of(first, now) + (cost if is_single(first) else 0.0)
        key = self._keys.flow(of_class)
        values = {":time": earliest, ":cost": cost}
        begun = {":begun": earliest + cost, ":expires": int(now) + KEPT_SECONDS}
        for _ in range(ATTEMPTS):
            try:
                on = update_of(
                    key,
                    "SET next_tag = next_tag + :cost",
                    condition="next_tag >= :time",
                    values=values,
                )
                return float(self._table.update(on)["next_tag"]) - cost
            except ConditionFailedError:
                pass
            try:
                begin = update_of(
                    key,
                    "SET next_tag = :begun, expires_at = :expires",
                    condition="attribute_not_exists(next_tag) OR next_tag < :time",
                    values={":time": earliest, **begun},
                )
                self._table.update(begin)
            except ConditionFailedError:
                continue
            return earliest
        return earliest

    def _first(self, of_class: str) -> str | None:
        """The rank of the first that waits in a class."""
        found = self._table.query(self._keys.backlog_partition, prefix=of_class, limit=1)
        return next((str(item["sk"]) for item in found), None)


def _tag_of(rank: str, now: float) -> float:
    tag = start_tag_of(rank)
    return 1000.0 * now if tag is None else tag

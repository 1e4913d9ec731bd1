"""Lists of exports, newest first, from sparse indexes of the table.

All sort by `listed_at` (the time of acceptance, then the id), which never changes and is unique: so
several statuses merge into one order, and a page continues from a place in it, whatever changed in
between. They are eventually consistent, about a second behind.

The index by recipient has keys only, none of which ever changes: it costs one write of an export of
a burst, at its acceptance, and each recipient is a partition of its own. What a row shows is read
from the records, which are few for one recipient; so is, for every list, which of those that
completed had no rows, as an index cannot be given more attributes once it is there.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from snapshot_export.adapters.table.dynamodb import Item, Key, Table
from snapshot_export.adapters.table.records import due_key
from snapshot_export.domain.export import Status

BY_STATUS = "by-status"
BY_BURST = "by-burst"
BY_RECIPIENT = "by-recipient"
LISTED_ATTRIBUTES = (
    "export_id", "dashboard_id", "name", "priority", "deadline", "attempt", "accepted_at",
    "admitted_at", "finished_at", "error",
)  # fmt: skip
"""What the first two carry besides their keys. `status` and `burst_id` are in both."""
_ROW_ATTRIBUTES = (*LISTED_ATTRIBUTES, "status", "burst_id", "listed_at", "is_empty")
_MAX_BATCH = 100
MAX_EXAMINED = 1000
"""Rows read for one page, where a filter leaves out most."""
_LAST = "~"


@dataclass(frozen=True, kw_only=True)
class ListFilter:
    """Which exports: None does not restrict. Times are epoch seconds, both inclusive."""

    status: Status | None = None
    burst_id: str | None = None
    recipient_id: str | None = None
    dashboard_id: str | None = None
    accepted_from: float | None = None
    accepted_to: float | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """Rows, and the place to continue from: None at the end. A page may be empty and continue."""

    rows: tuple[dict[str, Any], ...]
    next_place: str | None


class Listing:
    """Lists of the table's exports."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def page(self, wanted: ListFilter, *, limit: int, before: str | None = None) -> Page:
        """Up to `limit` rows that lie behind the place `before`; examines MAX_EXAMINED at most.

        Each source reads pages of its own, so without a status and a burst one page costs up to
        one query for each of the six statuses.
        """
        rows: list[dict[str, Any]] = []
        place = None
        for examined, item in enumerate(self._merge(wanted, before, limit), start=1):
            if item["listed_at"] != place and _matches(item, wanted):
                rows.append(item)
            place = item["listed_at"]
            if len(rows) == limit or examined == MAX_EXAMINED:
                return Page(rows=self._with_emptiness(rows), next_place=place)
        return Page(rows=self._with_emptiness(rows), next_place=None)

    def _with_emptiness(self, rows: list[Item]) -> tuple[Item, ...]:
        """The rows with `is_empty`, which the indexes do not carry: read from the records of those
        that completed, in one read for a page."""
        unknown = {
            (row["pk"], row["sk"]): row
            for row in rows
            if row["status"] == Status.COMPLETED and "is_empty" not in row
        }
        keys = [*unknown]
        for start in range(0, len(keys), _MAX_BATCH):
            batch = keys[start : start + _MAX_BATCH]
            for item in self._table.get_many(batch, ("pk", "sk", "is_empty")):
                unknown[item["pk"], item["sk"]]["is_empty"] = item.get("is_empty", False)
        return tuple(rows)

    def of_recipients(
        self, burst_id: str, accepted_at: float, recipient_ids: Sequence[str]
    ) -> dict[str, Item]:
        """Records of a burst's exports by their recipients, without the request; those it has.

        One query for each recipient, and a read of a hundred records at a time.
        """
        moment, keys = due_key(accepted_at), dict[Key, None]()
        for recipient_id in recipient_ids:
            key, between = ("recipient_id", recipient_id), (moment, moment + _LAST)
            for item in self._table.query_index(BY_RECIPIENT, key, between, page=_MAX_BATCH):
                keys[item["pk"], item["sk"]] = None
        found: dict[str, Item] = {}
        rest = iter(keys)
        while batch := list(islice(rest, _MAX_BATCH)):
            for item in self._table.get_many(batch, (*_ROW_ATTRIBUTES, "recipient_id")):
                if item.get("burst_id") == burst_id:
                    found[item["recipient_id"]] = item
        return found

    def _merge(self, wanted: ListFilter, before: str | None, limit: int) -> Iterator[Item]:
        first = due_key(wanted.accepted_from or 0.0)
        last = _LAST if wanted.accepted_to is None else due_key(wanted.accepted_to) + _LAST
        if before is not None:
            last = min(last, before)
        if first > last:
            return
        page = min(limit + 1, _MAX_BATCH)
        if wanted.recipient_id is not None:
            sources = [self._of_recipient(wanted.recipient_id, (first, last), page)]
        else:
            sources = [
                self._table.query_index(index, key, (first, last), page=page)
                for index, key in _keys_of(wanted)
            ]
        for item in heapq.merge(*sources, key=lambda item: item["listed_at"], reverse=True):
            if item["listed_at"] != before:
                yield item

    def _of_recipient(
        self, recipient_id: str, between: tuple[str, str], page: int
    ) -> Iterator[Item]:
        """The records of a recipient's exports, as far as they are still there."""
        key = ("recipient_id", recipient_id)
        found = self._table.query_index(BY_RECIPIENT, key, between, page=page)
        while keys := [(item["pk"], item["sk"]) for item in islice(found, page)]:
            records = self._table.get_many(keys, _ROW_ATTRIBUTES)
            yield from sorted(records, key=lambda item: str(item["listed_at"]), reverse=True)


def _keys_of(wanted: ListFilter) -> list[tuple[str, tuple[str, str]]]:
    """The indexes to read, with the value of each one's partition key."""
    if wanted.burst_id is not None:
        return [(BY_BURST, ("burst_id", wanted.burst_id))]
    statuses = [wanted.status] if wanted.status else list(Status)
    return [(BY_STATUS, ("status", status.value)) for status in statuses]


def _matches(item: Item, wanted: ListFilter) -> bool:
    asked = {
        "status": wanted.status,
        "burst_id": wanted.burst_id,
        "dashboard_id": wanted.dashboard_id,
    }
    return all(value is None or item.get(name) == value for name, value in asked.items())

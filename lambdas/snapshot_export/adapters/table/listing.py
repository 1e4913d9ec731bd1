"""Lists of exports, newest first, from two sparse indexes of the table.

Both indexes sort by `listed_at` (the time of acceptance, then the id), which never changes and is
unique: so several statuses merge into one order, and a page continues from a place in it, whatever
changed in between. They are eventually consistent, about a second behind.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from snapshot_export.adapters.table.dynamodb import Item, Table
from snapshot_export.adapters.table.records import due_key
from snapshot_export.domain.export import Status

BY_STATUS = "by-status"
BY_BURST = "by-burst"
LISTED_ATTRIBUTES = (
    "export_id", "dashboard_id", "name", "priority", "deadline", "attempt", "accepted_at",
    "admitted_at", "finished_at", "error",
)  # fmt: skip
"""What the indexes carry besides their keys. `status` and `burst_id` are in both."""
MAX_EXAMINED = 1000
"""Rows read for one page, where a filter leaves out most."""
_LAST = "~"


@dataclass(frozen=True, kw_only=True)
class ListFilter:
    """Which exports: None does not restrict. Times are epoch seconds, both inclusive."""

    status: Status | None = None
    burst_id: str | None = None
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
                return Page(rows=tuple(rows), next_place=place)
        return Page(rows=tuple(rows), next_place=None)

    def _merge(self, wanted: ListFilter, before: str | None, limit: int) -> Iterator[Item]:
        first = due_key(wanted.accepted_from or 0.0)
        last = _LAST if wanted.accepted_to is None else due_key(wanted.accepted_to) + _LAST
        if before is not None:
            last = min(last, before)
        if first > last:
            return
        page = min(limit + 1, 100)
        if wanted.burst_id is not None:
            keys = [(BY_BURST, ("burst_id", wanted.burst_id))]
        else:
            statuses = [wanted.status] if wanted.status else list(Status)
            keys = [(BY_STATUS, ("status", status.value)) for status in statuses]
        sources = [
            self._table.query_index(index, key, (first, last), page=page) for index, key in keys
        ]
        for item in heapq.merge(*sources, key=lambda item: item["listed_at"], reverse=True):
            if item["listed_at"] != before:
                yield item


def _matches(item: Item, wanted: ListFilter) -> bool:
    return (wanted.status is None or item["status"] == wanted.status) and (
        wanted.dashboard_id is None or item["dashboard_id"] == wanted.dashboard_id
    )

"""How long refreshes of data sets in SPICE take, learned as the durations of jobs are."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from snapshot_export.adapters.table.durations import DurationStore
from snapshot_export.adapters.table.dynamodb import Table
from snapshot_export.adapters.table.records import Keys

_KIND = "SPICE"
_SAFE = 0.95


class RefreshTimes:
    """Refreshes of the data sets of one gate."""

    def __init__(self, table: Table, keys: Keys, *, now: Callable[[], float]) -> None:
        self._durations = DurationStore(
            table, keys.refreshes_partition, default_seconds=1.0, now=now
        )

    def learn(self, data_set_id: str, seconds: float) -> None:
        """Take in a refresh that is over. Raises TransientError."""
        self._durations.learn(data_set_id, _KIND, seconds)

    def longest(self, data_set_ids: Iterable[str]) -> float:
        """Seconds within which all of them are refreshed in 19 of 20 cases, if they begin together.

        One of which nothing was learned counts as none. Raises TransientError.
        """
        found = [self._durations.expectation(each, _KIND) for each in data_set_ids]
        return max((each.quantile(_SAFE) for each in found if each.jobs), default=0.0)

"""The newest occurrence of each schedule that is accounted for: it came in, or was reported missed.

One item for each schedule, `occurred_at` (epoch seconds), which only ever goes on. Nothing else
depends on it: one that is lost, or that somebody wrote by hand, is made anew.
"""

from __future__ import annotations

from snapshot_export.adapters.table.dynamodb import Key, Table, update_of
from snapshot_export.errors import ConditionFailedError

EXPIRES_AFTER_SECONDS = 400 * 86_400
"""Longer than a year's schedule waits for its next."""


class Occurrences:
    """What is accounted for of the schedules of this deployment."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def newest(self, schedule: str) -> float | None:
        """Its time, or None if the schedule was not met before. Raises TransientError."""
        found = (self._table.get(_key(schedule)) or {}).get("occurred_at")
        return float(found) if isinstance(found, int | float) else None

    def note(self, schedule: str, at: float) -> None:
        """Account for occurrences up to a time, unless later ones are. Raises TransientError."""
        try:
            self._table.update(
                update_of(
                    _key(schedule),
                    "SET occurred_at = :at, expires_at = :end",
                    condition="attribute_not_exists(occurred_at) "
                    "OR NOT attribute_type(occurred_at, :number) OR occurred_at < :at",
                    values={
                        ":at": at,
                        ":end": int(at) + EXPIRES_AFTER_SECONDS,
                        ":number": "N",
                    },
                )
            )
        except ConditionFailedError:
            return


def _key(schedule: str) -> Key:
    return (f"SCHEDULE#{schedule}", "OCCURRENCE")

"""How many recipients the newest occurrence of each schedule had, of those whose recipients come
from a query.

One item for each schedule. One that is lost, or that somebody wrote by hand, is made anew by the
next occurrence, which is then held against nothing.
"""

from __future__ import annotations

from snapshot_export.adapters.table.dynamodb import Key, Table, update_of
from snapshot_export.adapters.table.occurrences import EXPIRES_AFTER_SECONDS
from snapshot_export.errors import ConditionFailedError


class RecipientCounts:
    """What the queries of this deployment's schedules found."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def newest(self, schedule: str) -> int | None:
        """How many recipients, or None if that is not known. Raises TransientError."""
        found = (self._table.get(_key(schedule)) or {}).get("recipients")
        return found if isinstance(found, int) and not isinstance(found, bool) else None

    def note(self, schedule: str, recipients: int, occurred_at: float) -> None:
        """Keep an occurrence's count, unless a later one's is kept. Raises TransientError."""
        try:
            self._table.update(
                update_of(
                    _key(schedule),
                    "SET recipients = :count, occurred_at = :at, expires_at = :end",
                    condition="attribute_not_exists(occurred_at) "
                    "OR NOT attribute_type(occurred_at, :number) OR occurred_at <= :at",
                    values={
                        ":count": recipients,
                        ":at": occurred_at,
                        ":end": int(occurred_at) + EXPIRES_AFTER_SECONDS,
                        ":number": "N",
                    },
                )
            )
        except ConditionFailedError:
            return


def _key(schedule: str) -> Key:
    return (f"SCHEDULE#{schedule}", "RECIPIENTS")

"""By which version of its dashboard each schedule's request was judged last.

One item for each schedule. Nothing else depends on it: one that is lost, or that somebody wrote by
hand, is made anew, and what is wrong with its schedule is announced again.
"""

from __future__ import annotations

from dataclasses import dataclass

from snapshot_export.adapters.table.dynamodb import Key, Table, update_of
from snapshot_export.adapters.table.occurrences import EXPIRES_AFTER_SECONDS


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The request of this digest was judged at `at` (epoch seconds), by this version or none."""

    at: float
    digest: str
    version: int | None


class JudgedSchedules:
    """What was judged of the schedules of this deployment."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, schedule: str) -> Judged | None:
        """The last judgement, or None. Raises TransientError."""
        item = self._table.get(_key(schedule)) or {}
        at, digest, version = (item.get(name) for name in ("judged_at", "digest", "version"))
        if not isinstance(at, int | float) or not isinstance(digest, str):
            return None
        return Judged(at=at, digest=digest, version=version if isinstance(version, int) else None)

    def note(self, schedule: str, judged: Judged) -> None:
        """Keep a judgement. Raises TransientError."""
        self._table.update(
            update_of(
                _key(schedule),
                "SET judged_at = :at, digest = :digest, version = :version, expires_at = :end",
                values={
                    ":at": judged.at,
                    ":digest": judged.digest,
                    ":version": judged.version,
                    ":end": int(judged.at) + EXPIRES_AFTER_SECONDS,
                },
            )
        )


def _key(schedule: str) -> Key:
    return (f"SCHEDULE#{schedule}", "DASHBOARD")

"""What was learned of how long jobs take: one small record for each dashboard and its formats; and
in a partition of their own, how long refreshes of data sets take.

Beside the transactions, not in them: a job whose ending function dies is not learned, and nothing
else changes.
"""

from __future__ import annotations

from collections.abc import Callable

from snapshot_export.adapters.table.dynamodb import Item, Key, Table, report_unreadable, update_of
from snapshot_export.adapters.table.record_version import read_record
from snapshot_export.domain.durations import Durations, Expectation, expect, learn
from snapshot_export.errors import ConditionFailedError, NewerRecordError, UnreadableRecordError

TRIES = 4
FRESH_SECONDS = 20.0
"""For how long an expectation that was read is used again."""
KEPT_SECONDS = 90 * 86_400
"""What was learned leaves the table this long after the last job."""


class DurationStore:
    """The durations of one partition. `default_seconds` is expected before anything is learned."""

    def __init__(
        self, table: Table, partition: str, *, default_seconds: float, now: Callable[[], float]
    ) -> None:
        self._table = table
        self._partition = partition
        self._default_seconds = default_seconds
        self.unknown = expect(None, default_seconds)
        """What to expect of a job of which nothing is learned."""
        self._now = now
        self._all: tuple[float, dict[tuple[str, str], Expectation]] = (-FRESH_SECONDS, {})
        self._read: dict[Key, tuple[float, Expectation]] = {}

    def expectation(self, dashboard_id: str, formats: str) -> Expectation:
        """What to expect of the next job. Read anew after FRESH_SECONDS. Raises TransientError."""
        key, now = self._key(dashboard_id, formats), self._now()
        read_at, expectation = self._read.get(key, (-FRESH_SECONDS, None))
        if expectation is None or now - read_at >= FRESH_SECONDS:
            expectation = expect(_durations_from(self._table.get(key)), self._default_seconds)
            self._read[key] = (now, expectation)
        return expectation

    def learn(self, dashboard_id: str, formats: str, seconds: float) -> None:
        """Take in one finished job. Raises TransientError.

        Others who learn at the same moment make it try again; after TRIES it is left out.
        """
        key = self._key(dashboard_id, formats)
        for _ in range(TRIES):
            known = _durations_from(self._table.get(key))
            try:
                self._write(key, known, learn(known, seconds))
            except ConditionFailedError:
                continue
            return

    def all(self) -> dict[tuple[str, str], Expectation]:
        """Every expectation by dashboard and formats. One query; raises TransientError."""
        found = {}
        for item in self._table.query(self._partition):
            dashboard_id, _, formats = item["sk"].partition("#")
            found[dashboard_id, formats] = expect(_durations_from(item), self._default_seconds)
        return found

    def recent(self) -> dict[tuple[str, str], Expectation]:
        """As `all`, read anew after FRESH_SECONDS."""
        now = self._now()
        read_at, found = self._all
        if now - read_at >= FRESH_SECONDS:
            found = self.all()
            self._all = (now, found)
        return found

    def _write(self, key: Key, seen: Durations | None, durations: Durations) -> None:
        condition = "attribute_not_exists(jobs) OR NOT attribute_type(jobs, :number)"
        values: Item = {":number": "N"}
        if seen is not None:
            condition, values = "jobs = :seen", {":seen": seen.jobs}
        self._table.update(
            update_of(
                key,
                "SET jobs = :jobs, log_mean = :mean, log_variance = :variance, expires_at = :at",
                condition=condition,
                values={
                    **values,
                    ":jobs": durations.jobs,
                    ":mean": durations.log_mean,
                    ":variance": durations.log_variance,
                    ":at": int(self._now()) + KEPT_SECONDS,
                },
            )
        )

    def _key(self, dashboard_id: str, formats: str) -> Key:
        return (self._partition, f"{dashboard_id}#{formats}")


def _durations_from(item: Item | None) -> Durations | None:
    """None too for a record that cannot be read: then nothing is known of these jobs."""
    if item is None:
        return None
    try:
        return read_record(item, Durations)
    except (NewerRecordError, UnreadableRecordError) as error:
        report_unreadable(item, error)
        return None

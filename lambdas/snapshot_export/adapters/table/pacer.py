"""The shared turn-taking that keeps all calls to QuickSight under the account's 10 a second.

One item, `next_at`: each call first moves it on by one spacing and then waits for the turn that it
got. The turns of all functions together are evenly spaced, the first fill of the slots included, as
far as their clocks agree (adapters/table/server_clock.py).
One write for each call; the gate is not touched.
"""

from __future__ import annotations

from collections.abc import Callable

from snapshot_export.adapters.table.dynamodb import Key, Table, update_of
from snapshot_export.domain.windows import TURN_SECONDS
from snapshot_export.errors import ConditionFailedError, NoTurnError

MAX_WAIT_SECONDS = TURN_SECONDS
TRIES = 4
NEVER_SECONDS = 60.0
"""No turn is given this far ahead, by anybody's clock: then the item was written by hand."""


class Pacer:
    """Turns at `calls_per_second`."""

    def __init__(
        self,
        table: Table,
        key: Key,
        *,
        calls_per_second: float,
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._table = table
        self._key = key
        self._spacing = 1.0 / calls_per_second
        self._now = now
        self._sleep = sleep

    def take_turn(self, most_wait: float = MAX_WAIT_SECONDS, *, by: float | None = None) -> None:
        """Return when the caller may make one call, and before `by` (epoch seconds) if given.

        Raises NoTurnError, and takes no turn, if the wait were over `most_wait` seconds.
        """
        if by is not None:
            most_wait = min(most_wait, by - self._now())
        self._wait_for_turn(most_wait)
        if by is not None and self._now() > by:
            raise NoTurnError("the turn for a QuickSight call came too late")

    def _wait_for_turn(self, most_wait: float) -> None:
        for _ in range(TRIES):
            now = self._now()
            for reserve in (self._reserve_next, self._reserve_now):
                try:
                    turn = reserve(now, most_wait)
                except ConditionFailedError:
                    continue
                self._sleep(max(0.0, turn - now))
                return
        raise NoTurnError("no turn for a QuickSight call: too many are waiting")

    def _reserve_next(self, now: float, most_wait: float) -> float:
        """A turn after those already given."""
        item = self._table.update(
            update_of(
                self._key,
                "SET next_at = next_at + :spacing",
                condition="next_at > :now AND next_at <= :last",
                values={
                    ":spacing": self._spacing,
                    ":now": now,
                    ":last": now + most_wait,
                },
            )
        )
        return float(item["next_at"]) - self._spacing

    def _reserve_now(self, now: float, _most_wait: float) -> float:
        """The present moment, when no turn lies ahead, or one that nobody can have been given."""
        self._table.update(
            update_of(
                self._key,
                "SET next_at = :next",
                condition="attribute_not_exists(next_at) OR next_at <= :now "
                "OR next_at > :never OR NOT attribute_type(next_at, :number)",
                values={
                    ":next": now + self._spacing,
                    ":now": now,
                    ":never": now + NEVER_SECONDS,
                    ":number": "N",
                },
            )
        )
        return now

"""The shared turn-taking that keeps all calls to QuickSight under the account's 10 a second, and
mails under the rate of SES.

One item, `next_at`: each call first moves it on by one spacing and then waits for the turn that it
got. The turns of all functions together are evenly spaced, the first fill of the slots included, as
far as their clocks agree (adapters/table/server_clock.py); but for a few that may come early
(domain/pace.py `calls_ahead`).
One write for each call; the gate is not touched. The item also has the last slowdown (domain/pace);
each caller knows it from the answer to its own last write, so it costs no read.
"""

from __future__ import annotations

from collections.abc import Callable

from snapshot_export.adapters.table.dynamodb import Item, Key, Table, update_of
from snapshot_export.domain.pace import (
    NEVER_SECONDS,
    SETTLE_SECONDS,
    Slowdown,
    calls_ahead,
    pace_at,
    slowed,
)
from snapshot_export.domain.windows import TURN_SECONDS
from snapshot_export.errors import ConditionFailedError, NoTurnError, TransientError

MAX_WAIT_SECONDS = TURN_SECONDS
TRIES = 4


class Pacer:
    """Turns at up to `calls_per_second`, fewer after a slowdown."""

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
        self._most = calls_per_second
        self._slowdown: Slowdown | None = None
        self._now = now
        self._sleep = sleep

    def allow(self, calls_per_second: float) -> None:
        """From now on turns are at up to so many a second."""
        self._most = calls_per_second

    def take_turn(self, most_wait: float = MAX_WAIT_SECONDS, *, by: float | None = None) -> None:
        """Return when the caller may make one call, and before `by` (epoch seconds) if given.

        Raises NoTurnError, and takes no turn, if the wait were over `most_wait` seconds.
        """
        if by is not None:
            most_wait = min(most_wait, by - self._now())
        self._wait_for_turn(most_wait)
        if by is not None and self._now() > by:
            raise NoTurnError("the turn for a call came too late")

    def slow_down(self) -> float | None:
        """A call was throttled: lower the pace for everybody. Answers the calls a second from now,
        or None if it was lowered for this already, or cannot be lowered now."""
        now = self._now()
        try:
            self._slowdown = _slowdown_of(self._table.get(self._key) or {})
            lower = slowed(self._slowdown, self._most, now)
            if lower is None:
                return None
            self._table.update(
                update_of(
                    self._key,
                    "SET slow_pace = :pace, slowed_at = :now",
                    condition="attribute_not_exists(slowed_at) OR slowed_at <= :settled "
                    "OR slowed_at > :never OR NOT attribute_type(slowed_at, :number)",
                    values={
                        ":pace": lower.calls_per_second,
                        ":now": now,
                        ":settled": now - SETTLE_SECONDS,
                        ":never": now + NEVER_SECONDS,
                        ":number": "N",
                    },
                )
            )
        except (ConditionFailedError, TransientError):
            return None
        self._slowdown = lower
        return lower.calls_per_second

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
        raise NoTurnError("no turn for a call: too many are waiting")

    def _reserve_next(self, now: float, most_wait: float) -> float:
        """A turn after those already given."""
        spacing = self._spacing(now)
        ahead = spacing * calls_ahead(self._slowdown, self._most, now)
        item = self._table.update(
            update_of(
                self._key,
                "SET next_at = next_at + :spacing",
                condition="next_at > :now AND next_at <= :last",
                values={
                    ":spacing": spacing,
                    ":now": now,
                    ":last": now + most_wait + ahead,
                },
            )
        )
        self._slowdown = _slowdown_of(item)
        return float(item["next_at"]) - spacing - ahead

    def _reserve_now(self, now: float, _most_wait: float) -> float:
        """The present moment, when no turn lies ahead, or one that nobody can have been given."""
        item = self._table.update(
            update_of(
                self._key,
                "SET next_at = :next",
                condition="attribute_not_exists(next_at) OR next_at <= :now "
                "OR next_at > :never OR NOT attribute_type(next_at, :number)",
                values={
                    ":next": now + self._spacing(now),
                    ":now": now,
                    ":never": now + NEVER_SECONDS,
                    ":number": "N",
                },
            )
        )
        self._slowdown = _slowdown_of(item)
        return now

    def _spacing(self, now: float) -> float:
        return 1.0 / pace_at(self._slowdown, self._most, now)


def _slowdown_of(item: Item) -> Slowdown | None:
    """None too for one that cannot be read: it was written by hand."""
    pace, at = item.get("slow_pace"), item.get("slowed_at")
    if isinstance(pace, int | float) and isinstance(at, int | float):
        return Slowdown(calls_per_second=float(pace), at=float(at))
    return None

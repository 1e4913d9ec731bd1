"""How many calls a second QuickSight gets from us while others call it too: AIMD.

All callers of an account share its 10 calls a second. A ThrottlingException that our own pace
cannot have caused says that others call as well: the pace is halved at once, and rises again by a
constant (additive increase, multiplicative decrease, as TCP does it), so that both sides come to
their share without knowing of each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST_IN_A_SECOND = 9
"""Of QuickSight's 10: clocks that differ a little add no call too many."""
AHEAD_SHARE = 0.6
DECREASE = 0.5
MIN_CALLS_PER_SECOND = 0.5
INCREASE = 0.1
"""Calls a second that a second without an answer of that kind gives back."""
NEVER_SECONDS = 60.0
"""Nothing is written this far ahead, by anybody's clock: then it was written by hand."""
SETTLE_SECONDS = 2.0
"""Answers of this long after a decrease are to calls that were sent before it."""


@dataclass(frozen=True, kw_only=True)
class Slowdown:
    """The pace was lowered to `calls_per_second` at `at` (epoch seconds)."""

    calls_per_second: float
    at: float


def pace_at(slowdown: Slowdown | None, most: float, now: float) -> float:
    """Calls a second at `now`; never above `most`."""
    if slowdown is None or slowdown.at > now + NEVER_SECONDS:
        return most
    risen = slowdown.calls_per_second + INCREASE * max(0.0, now - slowdown.at)
    return min(most, max(risen, min(most, MIN_CALLS_PER_SECOND)))


def calls_ahead(slowdown: Slowdown | None, most: float, now: float) -> int:
    """How many calls may go before their even turns come, after a time in which fewer were made.

    What belongs together, such as the poll that sees an end and the start of the next job, does not
    wait for an even spacing then. While others are known to call, all turns are even.
    """
    if pace_at(slowdown, most, now) < most:
        return 0
    return max(0, math.floor(min(AHEAD_SHARE * most, MOST_IN_A_SECOND - 1 - most)))


def slowed(slowdown: Slowdown | None, most: float, now: float) -> Slowdown | None:
    """The slowdown after a call was throttled at `now`; None if the last one has yet to settle."""
    if slowdown is not None and abs(now - slowdown.at) < SETTLE_SECONDS:
        return None
    pace = max(pace_at(slowdown, most, now) * DECREASE, min(most, MIN_CALLS_PER_SECOND))
    return Slowdown(calls_per_second=pace, at=now)

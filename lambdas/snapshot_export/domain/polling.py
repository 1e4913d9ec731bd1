"""When to ask QuickSight next whether a job ended.

Each poll is placed where the job has ended with the same chance since the one before: the first
wait lasts until just before the earliest likely end, polls are close where the end is likely, and
sparse where it is not. That chance is the inverse of how many polls a job may have, which the call
budget gives: the more slots share it, the fewer.
"""

from __future__ import annotations

import math
from dataclasses import replace

from snapshot_export.domain.durations import Expectation

POLL_SHARE = 0.7
"""Of the call budget that starts and results leave, what polls may use on average: the rest lets
polls that fall together, and starts among them, through without a queue."""
MIN_POLL_RATE = 0.15
"""Of the whole call budget, what polls may use when starts and results alone would fill it."""
CLOSEST, SPARSEST = 0.04, 0.6
"""The chance of an end between two polls, at least and at most."""
SHORTEST_WAIT, LONGEST_WAIT = 0.4, 60.0
SAFETY_QUANTILE, SAFETY_MARGIN = 0.9, 3.0
"""Where hints come, the first poll is when nine in ten jobs have ended and the hint of the last of
them should have come: what a lost hint costs is the time until then."""
SAFETY_STEP = 11.0
"""Between polls behind hints, at least: longer than a function waits by itself."""
LATE, LATE_SHARE = 0.1, 0.1
"""A job that is later than all but a tenth of its like is asked for after a tenth of its age, or as
often as the budget lets all slots: the delay stays in proportion to the job."""
SURPRISE = 0.05
"""The chance that a job is not as its dashboard's were: then it may take any time."""
SURPRISE_SPREAD = 1.2


def plan_wait(
    *,
    age: float,
    expectation: Expectation,
    running: int,
    calls_per_second: float,
    phase: float = 0.5,
) -> float:
    """Seconds until the next poll of a job that has run for `age` seconds.

    `running` is how many slots share `calls_per_second`. `phase` (0 to 1) is drawn anew for each
    poll, so that the polls of jobs that started together do not stay together.
    """
    surprised = replace(expectation, spread=SURPRISE_SPREAD)

    def survival(seconds: float) -> float:
        likely = (1 - SURPRISE) * expectation.survival(seconds)
        return likely + SURPRISE * surprised.survival(seconds)

    chance = poll_chance(expectation.mean, running, calls_per_second) * (0.75 + 0.5 * phase)
    goal = (1 - chance) * survival(age)
    shortest, longest = SHORTEST_WAIT, LONGEST_WAIT
    if expectation.survival(age) < LATE:
        between_polls = max(1, running) / poll_rate(expectation.mean, running, calls_per_second)
        longest = min(longest, max(LATE_SHARE * age, between_polls))
    if survival(age + longest) >= goal:
        return longest
    while longest - shortest > 0.02:
        middle = (shortest + longest) / 2
        if survival(age + middle) >= goal:
            shortest = middle
        else:
            longest = middle
    return shortest


def plan_safety_wait(*, age: float, expectation: Expectation) -> float:
    """Seconds until the next poll of a job whose end a hint should announce.

    Polls are for hints that got lost, so they are few, and ask for no share of the call budget.
    """
    first = expectation.quantile(SAFETY_QUANTILE) + SAFETY_MARGIN
    if first - age > SAFETY_STEP / 2:
        return min(max(first - age, SAFETY_STEP), LONGEST_WAIT)
    return min(max(LATE_SHARE * age, SAFETY_STEP), LONGEST_WAIT)


def poll_chance(expected_seconds: float, running: int, calls_per_second: float) -> float:
    """The chance of an end between two polls that makes as many polls as the budget has room for.

    Polls at equal chances `c` are 1/c a job.
    """
    rate = poll_rate(expected_seconds, running, calls_per_second)
    return min(max(_jobs_per_second(expected_seconds, running) / rate, CLOSEST), SPARSEST)


def poll_rate(expected_seconds: float, running: int, calls_per_second: float) -> float:
    """Polls a second of all slots together. Each job needs a start and a result beside them."""
    room = POLL_SHARE * (calls_per_second - 2 * _jobs_per_second(expected_seconds, running))
    return max(room, MIN_POLL_RATE * calls_per_second)


def _jobs_per_second(expected_seconds: float, running: int) -> float:
    return max(1, running) / max(expected_seconds, SHORTEST_WAIT)


def whole_seconds(wait: float) -> int:
    """A wait as Step Functions' Wait state takes it: no fractions, at least 1."""
    return max(1, math.floor(wait))

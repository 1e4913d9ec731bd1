"""When each slot is free, and when the next job may start for the call budget's sake."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from heapq import heapify, heapreplace

CALLS_PER_JOB = 3.0
"""Calls to QuickSight that a job makes at least: start, one poll, result."""


class Slots:
    """`count` slots, of which some are busy; nothing starts before `not_before` (epoch seconds).

    `overhead` is what a slot is held beyond its job (seconds).
    """

    def __init__(
        self,
        count: int,
        *,
        now: float,
        busy_until: Sequence[float],
        not_before: float,
        overhead: float,
        calls_per_second: float,
    ) -> None:
        busy = sorted(busy_until)
        self._free = max(0, count - len(busy))
        self._heap = [now] * self._free + busy[max(0, len(busy) - count) :]
        heapify(self._heap)
        self._turn = max(now, not_before)
        self._spacing = 1.0 / calls_per_second
        self._overhead = overhead

    @property
    def next_free(self) -> float:
        """When a slot is free."""
        return max(self._heap[0], self._turn)

    def wait_until(self, moment: float) -> None:
        """Nothing starts before."""
        self._turn = max(self._turn, moment)

    def pour(self, work: float, count: int) -> None:
        """Let the slots take the work (seconds) of `count` jobs, the first free ones first."""
        self._heap.sort()
        left = work + count * self._overhead
        level, slots = max(self._heap[0], self._turn), len(self._heap)
        for taken, free in enumerate([*self._heap[1:], math.inf], start=1):
            following = max(free, level)
            if left <= taken * (following - level):
                level += left / taken
                break
            left -= taken * (following - level)
            level = following
        level = max(level, self._turn + count * CALLS_PER_JOB * self._spacing)
        self._heap = [max(free, level) for free in self._heap]
        self._turn, self._free = level, max(0, self._free - min(count, slots))

    def fill(self, jobs: Iterable[tuple[float, float]], ends: list[float], until: float) -> None:
        """Run jobs (seconds, due time) in order, until one would start at `until` or later.

        Their ends are added to `ends`.
        The slots that are free now fill as fast as calls may be made; from then on a start comes
        with the result and the polls of the job before it.
        """
        heap, overhead, turn, add = self._heap, self._overhead, self._turn, ends.append
        left, spacing = self._free, self._spacing
        for seconds, due in jobs:
            begin = max(heap[0], turn, due)
            if begin >= until:
                break
            turn = begin + (spacing if left > 0 else spacing * CALLS_PER_JOB)
            left -= 1
            end = begin + seconds
            add(end)
            heapreplace(heap, end + overhead)
        self._turn, self._free = turn, max(0, left)

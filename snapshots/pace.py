"""How fast exports end, as seen by one who watches, and when the work will be done."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

WINDOW_SECONDS = 300.0
MIN_SECONDS = 15.0


@dataclass
class Pace:
    """Exports a second, from readings of a counter that grows as exports end.

    A reading lower than the one before it counts as no growth: the counter of the last hour
    also loses what has become older.
    """

    _readings: deque[tuple[float, int]] = field(default_factory=deque)

    def read(self, at: float, ended: int) -> None:
        """Take a reading; `at` in seconds of any clock that only rises."""
        self._readings.append((at, ended))
        while at - self._readings[0][0] > WINDOW_SECONDS:
            self._readings.popleft()

    def per_second(self) -> float | None:
        """The pace within the last five minutes; None before there is enough to know."""
        readings = list(self._readings)
        if len(readings) < 2 or readings[-1][0] - readings[0][0] < MIN_SECONDS:
            return None
        grown = sum(max(0, later - earlier) for (_, earlier), (_, later) in pairwise(readings))
        return grown / (readings[-1][0] - readings[0][0])


def seconds_left(open_count: int, pace: float | None) -> float | None:
    """How long `open_count` exports still take at a pace; None if that is not known."""
    if open_count == 0:
        return 0.0
    return open_count / pace if pace else None

"""Overlaps: orders of calls that broke a promise once, each played as it was found.

They need more chances at once than Hypothesis finds in a sample of `interleavings`, whose machine,
judge and end they share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tests.chaos.interleavings import Interleavings
from tests.chaos.part import PartResult
from tests.chaos.theatre import connected
from tests.support.world import START_TIME

CLAIMS = frozenset(
    {
        "an end noted over another",
        "hand back although a start was noted",
        "a job lost by one single 404",
    }
)
"""Bugs that the sample must catch (bugs.py)."""
EVERY_SLOT = 12


class Overlaps(Interleavings):
    """One order of calls at a time."""

    def two_ends(self) -> None:
        """Two collect one job; one is refused the result, and goes on when the other announced."""
        self.begin_with(2, "check", START_TIME)
        self.answer_otherwise(("DescribeDashboardSnapshotJobResult", "AccessDeniedException"))
        refused = self._begin_step("collect", "e0")
        self._run_to(refused, "begin_end")
        other = self._begin_step("collect", "e0")
        self._run_to(other, "store.py:_end ")
        self._run_through(refused)

    def slow_hand_back(self) -> None:
        """A refused start comes to hand its export back when the next one was noted."""
        self.begin_with(2, None, START_TIME)
        self.occupy(EVERY_SLOT)
        self._admit_all()
        slow = self._begin_step("start", "e0")
        self._run_to(slow, "hand_back")
        self.clock.time += 61.0  # a start at the hand-over has 120 s
        self.wire.emulator.vacate()
        following = self._begin_step("start", "e0")
        self._run_to(following, "StartDashboardSnapshotJob")
        self._run_through(slow)

    def unknown_once(self) -> None:
        """QuickSight says once that it has no job of this id, while the job runs."""
        self.begin_with(2, None, START_TIME)
        self._admit_all()
        self._run_through(self._begin_step("start", "e0"))
        self.answer_otherwise(("DescribeDashboardSnapshotJob", "ResourceNotFoundException"))
        self._run_through(self._begin_step("check", "e0"))


ORDERS: tuple[Callable[[Overlaps], None], ...] = (
    Overlaps.two_ends,
    Overlaps.slow_hand_back,
    Overlaps.unknown_once,
)


def run() -> PartResult:
    """Every order, once."""
    Interleavings.counts = Counter()
    violations: list[str] = []
    with connected() as (wire, clock):
        Interleavings.wire, Interleavings.clock = wire, clock
        for order in ORDERS:
            try:
                _play(order)
            except AssertionError as error:
                violations.append(f"{order.__name__}: {error}")
    counts = Interleavings.counts
    line = (
        f"overlaps: {len(ORDERS)} orders, {counts['functions']} functions, {counts['calls']} calls"
    )
    return PartResult(line, tuple(violations))


sample = run


def _play(order: Callable[[Overlaps], None]) -> None:
    play = Overlaps()
    try:
        order(play)
    finally:
        play.teardown()

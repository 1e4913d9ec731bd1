"""Fair shares: in which order bursts and single exports of one class get the slots.

Start-time fair queueing (P. Goyal, H. M. Vin, H. Cheng, SIGCOMM 1996). Each burst is a flow; all
single exports of a class (domain/backlog.py) together are one. What waits has a start tag: where
its flow would begin it if it had all slots to itself. The smallest tag goes first. A flow that
comes to the backlog begins at the tag that is served at that moment, the virtual time, so it
neither waits for all that was there before it nor catches up on what it never asked for.

Tags are milliseconds. Where nothing of a class waits, the virtual time is the clock's, so that a
flow's tags never lie far behind those of one that comes later.
"""

from __future__ import annotations

MAX_WEIGHT = 10


def cost_of(expected_seconds: float, *, slots: int, weight: int = 1) -> float:
    """By how much an export moves its flow on: its time on all slots, by the flow's weight."""
    return max(1.0, 1000.0 * expected_seconds / (max(1, slots) * weight))


class Flow:
    """Start tags for the exports of one burst, one after another."""

    def __init__(
        self, *, virtual_time: float, slots: int, finish: float = 0.0, weight: int = 1
    ) -> None:
        """`finish` is where the burst's exports before ended, 0 if there are none."""
        self.finish = max(virtual_time, finish)
        self._slots = slots
        self._weight = weight

    def start_tag(self, expected_seconds: float) -> float:
        """The start tag of the flow's next export."""
        tag = self.finish
        self.finish += cost_of(expected_seconds, slots=self._slots, weight=self._weight)
        return tag

"""Virtual time for work that sleeps: one piece at a time runs, in a thread of its own.

A piece that sleeps lets the others go on, as a function on AWS does that waits; between two sleeps
it is alone, so what it reads and writes in memory is never torn.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

START_TIME = 1_800_000_000.0


@dataclass(order=True)
class _Due:
    at: float
    number: int
    go_on: Callable[[], None] = field(compare=False)


class Clock:
    """Virtual time. `time` is the running piece's, in epoch seconds."""

    def __init__(self) -> None:
        self.time = START_TIME
        self._due: list[_Due] = []
        self._numbers = itertools.count()
        self._baton = threading.Semaphore(0)
        self._own = threading.current_thread()
        self._failures: list[BaseException] = []

    def now(self) -> float:
        """Epoch seconds."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Time goes by for this piece; the others go on. Outside of pieces it only goes by."""
        if threading.current_thread() is self._own:
            self.time += seconds
            return
        awake = threading.Event()
        self._push(self.time + seconds, awake.set)
        self._baton.release()
        awake.wait()

    def call_at(self, at: float, work: Callable[[], None]) -> None:
        """Run a piece of work at a time, or now if that is past."""

        def run() -> None:
            try:
                work()
            except BaseException as error:
                self._failures.append(error)
            finally:
                self._baton.release()

        self._push(at, threading.Thread(target=run, daemon=True).start)

    def run(self) -> None:
        """Run all work in the order of its time, also what it makes. Raises what one piece did."""
        while self._due and not self._failures:
            due = heapq.heappop(self._due)
            self.time = max(self.time, due.at)
            due.go_on()
            self._baton.acquire()
        if self._failures:
            raise self._failures[0]

    def _push(self, at: float, go_on: Callable[[], None]) -> None:
        heapq.heappush(self._due, _Due(at, next(self._numbers), go_on))

"""The limit on API calls in a second."""

import math
from collections import deque

from local.quicksight.errors import ServiceError


class CallWindow:
    """At most `calls` admitted calls in any sliding second; not thread-safe.

    Refused calls do not count: AWS refuses what is over the rate and serves the rest.
    """

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._admitted: deque[float] = deque()
        self._others_spacing = self._others_next = math.inf
        self._others_until = 0.0

    def others_call(self, per_second: float, *, begin: float, until: float) -> None:
        """Others of the account call too, evenly, and their calls are served like ours."""
        self._others_spacing = 1.0 / per_second
        self._others_next, self._others_until = begin, until

    def admit(self, now: float) -> None:
        """Count a call, or raise ThrottlingException."""
        while self._others_next <= min(now, self._others_until):
            self._serve(self._others_next)
            self._others_next += self._others_spacing
        if not self._serve(now):
            raise ServiceError("ThrottlingException", "Rate exceeded")

    def _serve(self, now: float) -> bool:
        while self._admitted and self._admitted[0] <= now - 1.0:
            self._admitted.popleft()
        if len(self._admitted) >= self._calls:
            return False
        self._admitted.append(now)
        return True


def max_in_any_second(times: list[float]) -> int:
    """The most of the given ascending times that lie within one second."""
    most = first = 0
    for last, time in enumerate(times):
        while times[first] <= time - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most

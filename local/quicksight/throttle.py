"""The limit on API calls in a second."""

from collections import deque

from local.quicksight.errors import ServiceError


class CallWindow:
    """At most `calls` admitted calls in any sliding second; not thread-safe.

    Refused calls do not count: AWS refuses what is over the rate and serves the rest.
    """

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._admitted: deque[float] = deque()

    def admit(self, now: float) -> None:
        """Count a call, or raise ThrottlingException."""
        while self._admitted and self._admitted[0] <= now - 1.0:
            self._admitted.popleft()
        if len(self._admitted) >= self._calls:
            raise ServiceError("ThrottlingException", "Rate exceeded")
        self._admitted.append(now)


def max_in_any_second(times: list[float]) -> int:
    """The most of the given ascending times that lie within one second."""
    most = first = 0
    for last, time in enumerate(times):
        while times[first] <= time - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most

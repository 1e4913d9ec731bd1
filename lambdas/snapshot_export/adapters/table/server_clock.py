"""The function's clock, held against the time that DynamoDB writes on its answers.

Functions order their calls by times that they write into one table, so their clocks must agree.
Lambda's do, by far. Where one does not, every answer's `Date` (whole seconds, RFC 9110) says so:
the offset of the clock lies between two bounds, which come closer with each answer. As long as
they hold no contradiction the clock is taken as it is; else it is corrected by the middle of the
two, at most half a second wrong after the first answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import boto3

SERVICE = "dynamodb"
_SENT = "snapshot_export_sent_at"


class ServerClock:
    """A clock in epoch seconds, corrected where the server contradicts it. Not thread-safe."""

    def __init__(self, own: Callable[[], float]) -> None:
        self._own = own
        self._least, self._most = -math.inf, math.inf

    def now(self) -> float:
        """The time."""
        return self._own() + self.offset

    @property
    def offset(self) -> float:
        """Seconds that the own clock is behind; 0 unless the server says otherwise."""
        if self._least <= 0 <= self._most:
            return 0.0
        return (self._least + self._most) / 2

    def observe(self, sent: float, received: float, date: float) -> None:
        """Take note of an answer: when its request was sent and it was received, by the own clock,
        and the whole second that the server wrote on it between the two."""
        least, most = date - received, date + 1 - sent
        narrowed = max(self._least, least), min(self._most, most)
        # A clock that was set meanwhile contradicts what was seen before.
        self._least, self._most = narrowed if narrowed[0] <= narrowed[1] else (least, most)

    def watch(self, session: boto3.Session) -> None:
        """Observe every answer of DynamoDB to the clients that the session makes from here on."""
        session.events.register(f"before-call.{SERVICE}", self._before)
        session.events.register(f"after-call.{SERVICE}", self._after)

    def _before(self, context: dict[str, Any], **_more: object) -> None:
        context[_SENT] = self._own()

    def _after(self, http_response: Any, context: dict[str, Any], **_more: object) -> None:
        try:
            date = parsedate_to_datetime(http_response.headers["Date"]).timestamp()
        except (KeyError, TypeError, ValueError):
            return
        self.observe(context[_SENT], self._own(), date)

"""Calls of which each goes wrong by a chance of its own, as often in one invocation as it comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from botocore.exceptions import ConnectionClosedError

from tests.chaos.calls import Call, Calls, Fate

_FATES = (*Fate, None)
"""None: the request never arrives, and nobody is killed."""


class FaultyCalls(Calls):
    """A `share` of the calls meets a fate, all fates as often."""

    def __init__(self, draw: Random, share: float) -> None:
        super().__init__(self._draw_fate)
        self.counts = Counter[str]()
        self._draw, self._share = draw, share

    def send(self, real: Callable[[], Any], endpoint: Any, model: Any, request: Any) -> Any:
        """A request, or the loss of it."""
        if self.is_watching and self._draw.random() < self._share / len(_FATES):
            self.counts["faults"] += 1
            return None, ConnectionClosedError(endpoint_url=endpoint)
        return super().send(real, endpoint, model, request)

    def _next(self, operation: str) -> tuple[Call, Fate | None]:
        self.struck = None
        self.made.clear()
        return super()._next(operation)

    def _draw_fate(self, _call: Call) -> Fate | None:
        if self._draw.random() >= self._share * len(Fate) / len(_FATES):
            return None
        fate: Fate = self._draw.choice([*Fate])
        self.counts["faults"] += 1
        self.counts["killed"] += fate in (Fate.BEFORE, Fate.AFTER)
        return fate

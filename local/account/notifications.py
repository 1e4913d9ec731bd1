"""A patch of ministack's S3 (`ministack/services/s3.py`): notifications as late as AWS's are.

Upstream hands an object's event to EventBridge at once, always and once. AWS promises at least
once, "typically in seconds but can sometimes take a minute or longer" (S3 User Guide, "Amazon S3
Event Notifications"), and no order. How long it takes is published nowhere as a distribution
[? notification-latency]; what is drawn here is a lognormal with a tail to 10 s.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.account.patching import require_source, rewritten


@dataclass(frozen=True, kw_only=True)
class Notifications:
    """How S3's notifications reach EventBridge.

    Seconds are lognormal about `median`; with the default `spread` (of the logarithm) one in a
    thousand takes 10 s. `lost` and `doubled` are shares: one that is doubled comes twice, each
    time after seconds of its own.
    """

    median: float = 0.7
    spread: float = 0.86
    lost: float = 0.01
    doubled: float = 0.01
    seed: int = 7

    def draw(self, source: random.Random) -> list[float]:
        """After how many seconds one notification comes; empty if it is lost."""
        chance = source.random()
        if chance < self.lost:
            return []
        times = 2 if chance < self.lost + self.doubled else 1
        return [self.median * math.exp(source.gauss(0.0, self.spread)) for _ in range(times)]


_DISPATCH = "                    _eb._dispatch_event(eb_event)\n"
_LATE = "                    _embedded_notify(lambda: _eb._dispatch_event(eb_event))\n"


def notify_late(s3: Any, notifications: Notifications) -> None:
    """Hand events of objects to EventBridge late, twice or never, each in a thread of its own."""
    require_source("_fire_s3_event", s3._fire_s3_event, "2ab38cfade76bf2e")
    source, lock = random.Random(notifications.seed), threading.Lock()

    def notify(dispatch: Callable[[], None]) -> None:
        with lock:
            delays = sorted(notifications.draw(source))
        began = time.monotonic()
        for delay in delays:
            time.sleep(max(0.0, began + delay - time.monotonic()))
            dispatch()

    s3._embedded_notify = notify
    s3._fire_s3_event = rewritten(s3._fire_s3_event, {_DISPATCH: _LATE})

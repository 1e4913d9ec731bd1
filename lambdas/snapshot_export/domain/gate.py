"""The gate: how many exports may be let in now.

Below the limit everybody is let in. When QuickSight answers LimitExceeded, somebody else in the
account uses slots: the number that did run becomes a ceiling. It holds for `HOLD_SECONDS`, then
rises by one probe at a time, so that slots come back into use soon after the others leave, at the
price of at most one refused start in each hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

HOLD_SECONDS = 15.0
PROBE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The gate item. No item means this default: nothing runs, the deployment's limit holds."""

    running: int = 0
    limit: int | None = None
    ceiling: int | None = None
    ceiling_until: float = 0.0
    paused_until: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Admission:
    """How many may be let in, and the ceiling that the gate has then (None: no ceiling).

    `seen` is the gate that was judged: the admission holds only while its limit and ceiling do.
    """

    seen: Gate
    slots: int
    limit: int
    cap: int
    ceiling: int | None
    ceiling_until: float
    reason: str

    def for_count(self, count: int) -> Admission:
        """The admission when only `count` wait: a probe not made raises no ceiling."""
        seen = self.seen
        if seen.ceiling is None or seen.running + count > seen.ceiling:
            return self
        return replace(
            self,
            cap=min(self.cap, seen.ceiling),
            ceiling=seen.ceiling,
            ceiling_until=seen.ceiling_until,
        )


def decide_admission(gate: Gate, *, default_limit: int, now: float) -> Admission:
    """How many exports may be let in at `now`. Never lets `running` rise above the limit."""
    limit = gate.limit if gate.limit is not None else default_limit
    ceiling, until, cap, reason = gate.ceiling, gate.ceiling_until, limit, "below limit"
    if ceiling is not None and ceiling >= limit:
        ceiling, until = None, 0.0
    if ceiling is not None and now < until:
        cap, reason = ceiling, "others use slots"
    elif ceiling is not None:
        cap, reason = ceiling + 1, "probing whether others left"
        ceiling, until = (None, 0.0) if cap >= limit else (cap, now + PROBE_SECONDS)
    slots = max(0, cap - gate.running)
    if now < gate.paused_until:
        slots, reason = 0, "paused"
    elif slots == 0:
        reason = "full"
    return Admission(
        seen=gate,
        slots=slots,
        limit=limit,
        cap=cap,
        ceiling=ceiling,
        ceiling_until=until,
        reason=reason,
    )

"""The gate: how many exports may be admitted now.

Below the limit everybody is admitted, but for the slots that are reserved for people who work in
QuickSight itself. When QuickSight answers LimitExceeded, somebody else in the
account uses slots: the number that did run becomes a ceiling. It holds for `HOLD_SECONDS`, then
rises by one probe at a time, so that slots come back into use soon after the others leave, at the
price of at most one refused start in each hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

DEFAULT_JOB_LIMIT = 12
"""Jobs that QuickSight runs at a time in an account, unless Support granted more
[? limit-of-slots]."""
HOLD_SECONDS = 15.0
PROBE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The gate item. No item means this default: nothing runs, the deployment's limit and reserve
    hold.

    `hints_missed` is how many jobs in a row were seen ended without a hint (domain/hint.py), None
    before the first hint came.
    """

    running: int = 0
    limit: int | None = None
    reserved: int | None = None
    ceiling: int | None = None
    ceiling_until: float = 0.0
    paused_until: float = 0.0
    hints_missed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Admission:
    """How many may be admitted, and the ceiling that the gate has then (None: no ceiling).

    `seen` is the gate that was judged: the admission holds only while its limit, reserve and
    ceiling do. `limit` is what is left of the limit without the reserve.
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


def open_slots(gate: Gate, *, default_limit: int, default_reserved: int = 0) -> int:
    """How many slots exports may use: the limit without the reserve."""
    limit = default_limit if gate.limit is None else gate.limit
    reserved = default_reserved if gate.reserved is None else gate.reserved
    return max(0, limit - reserved)


def ceiling_at(gate: Gate, *, limit: int, now: float) -> int | None:
    """The ceiling that holds exports back at `now`; None where none is below `limit`, or nobody
    asked for a slot since it would have risen."""
    if gate.ceiling is None or gate.ceiling >= limit:
        return None
    return gate.ceiling if now < gate.ceiling_until + 2 * PROBE_SECONDS else None


def decide_admission(
    gate: Gate, *, default_limit: int, default_reserved: int = 0, now: float
) -> Admission:
    """How many exports may be admitted at `now`. Never lets `running` rise into the reserve."""
    limit = open_slots(gate, default_limit=default_limit, default_reserved=default_reserved)
    ceiling, until, cap, reason = gate.ceiling, gate.ceiling_until, limit, "below limit"
    if ceiling is not None and ceiling >= limit:
        ceiling, until = None, 0.0
    if ceiling is not None and now < until:
        cap, reason = ceiling, "at the ceiling"
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

"""Drift: what must not be, seen by the reconciler in one pass, each kind a metric and an alarm.

A repair is reported all the same: a counter that was set right, or a slot that was freed, says that
something else is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from snapshot_export.domain.export import Attempt
from snapshot_export.domain.gate import Gate
from snapshot_export.domain.target import DEFAULT_TARGET

STALLED_SECONDS = 120.0
"""Free slots are filled within seconds; after this long without an admission nobody fills them."""
OVERDUE_FACTOR = 10.0
MIN_OVERDUE_SECONDS = 1800.0
"""No lease is overdue before this, however short its jobs are expected to be."""


class Drift(StrEnum):
    """Kinds of drift: the names of their metrics, and of their alarms in docs/operations.md."""

    GATE_DRIFT = "GateDrift"
    BACKLOG_STALLED = "BacklogStalled"
    LEASE_OVERDUE = "LeaseOverdue"
    RECORDS_UNREADABLE = "RecordsUnreadable"


@dataclass(frozen=True)
class Finding:
    """A drift with its reason. `amount` is the metric's value: slots, or exports."""

    kind: Drift
    amount: int
    reason: str
    target: str = DEFAULT_TARGET


def judge_gate(gate: Gate, attempts: Sequence[Attempt]) -> Finding | None:
    """Whether the gate's counter differs from the leases, read together."""
    leases = sum(attempt.holds_slot for attempt in attempts)
    if gate.running == leases:
        return None
    reason = f"the counter is {gate.running}, the leases are {leases}"
    return Finding(Drift.GATE_DRIFT, abs(gate.running - leases), reason)


def judge_backlog(
    *, due: int, slots: int, attempts: Sequence[Attempt], now: float
) -> Finding | None:
    """Whether exports wait, due, while slots are free and nothing was admitted for a while.

    `due` counts those that wait after the pass admitted, `slots` the free ones then (0 if paused
    or held back because of others' jobs).
    """
    last = max((attempt.admitted_at for attempt in attempts), default=0.0)
    if not due or not slots or now - last < STALLED_SECONDS:
        return None
    return Finding(Drift.BACKLOG_STALLED, min(due, slots), f"{slots} slots are free, exports wait")


def held_since(attempt: Attempt) -> float:
    """When the job of a lease started, or the lease itself where none is known to have."""
    return attempt.started_at or attempt.admitted_at


def overdue_leases(
    attempts: Sequence[Attempt], expected: Callable[[Attempt], float], now: float
) -> list[Attempt]:
    """Leases held for much longer than the seconds that `expected` gives for their attempts.

    It is asked about old leases only.
    """
    return [
        attempt
        for attempt in attempts
        if attempt.is_readable
        and attempt.holds_slot
        and now - held_since(attempt) > MIN_OVERDUE_SECONDS
        and now - held_since(attempt) > OVERDUE_FACTOR * expected(attempt)
    ]

"""Reconcile: compare the table with what Step Functions says, mend the table, fill free slots.

Every minute, and when an execution failed, timed out or was aborted. The reconciler frees no slot
by itself: an attempt whose execution is gone gets a new one, which asks QuickSight.
Order of writes: the restart is counted on the attempt first (its count names the execution), then
the execution is started; dying between the two leads to the next restart.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import Attempt
from snapshot_export.errors import ConditionFailedError
from snapshot_export.flows.admit import START_WINDOW_SECONDS, admit, start_execution
from snapshot_export.flows.resume_bursts import resume_bursts

GRACE_SECONDS = 20.0
"""An execution may still be on its way for this long after its admission or restart."""
RECOUNT_SECONDS = 0.5

logger = Logger(child=True)


@dataclass(frozen=True, kw_only=True)
class Mended:
    """What one pass mended, by kind."""

    executions_restarted: int = 0
    counter_corrected: int = 0
    bursts_resumed: int = 0
    admitted: int = 0


def reconcile(services: Services) -> Mended:
    """One pass over everything in flight."""
    _, attempts = services.store.in_flight()
    running = services.executions.running_names() if attempts else set()
    restarted = sum(
        _restart_if_gone(services, attempt)
        for attempt in attempts
        if attempt.execution_name not in running
    )
    return Mended(
        executions_restarted=restarted,
        counter_corrected=_correct_counter(services),
        bursts_resumed=resume_bursts(services),
        admitted=admit(services),
    )


def _restart_if_gone(services: Services, attempt: Attempt) -> bool:
    now = services.now()
    since = attempt.restarted_at or attempt.admitted_at
    if now - since < GRACE_SECONDS or services.executions.is_running(attempt.execution_name):
        return False
    try:
        again = services.store.mark_restarted(attempt, now, now + START_WINDOW_SECONDS)
    except ConditionFailedError:
        return False
    start_execution(services, again)
    logger.error(
        "execution restarted",
        reason="attempt without a running execution",
        export_id=attempt.export_id,
        execution=again.execution_name,
    )
    return True


def _correct_counter(services: Services) -> int:
    """Mend a counter that differs from the leases in two readings. Only a hand could do that."""
    seen = _drift(services)
    if seen is None:
        return 0
    services.sleep(RECOUNT_SECONDS)
    if _drift(services) != seen:
        return 0
    running, leases = seen
    try:
        services.store.correct_counter(running, leases)
    except ConditionFailedError:
        return 0
    logger.error("counter corrected", reason="differed from leases", seen=running, leases=leases)
    return 1


def _drift(services: Services) -> tuple[int, int] | None:
    gate, attempts = services.store.in_flight()
    leases = sum(attempt.holds_slot for attempt in attempts)
    return None if gate.running == leases else (gate.running, leases)

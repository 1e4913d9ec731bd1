"""Reconcile: compare the table with what Step Functions says, repair the table, fill free slots.

Every minute, and when an execution failed, timed out or was aborted. The reconciler frees no slot
by itself: an attempt whose execution is gone gets a new one, which asks QuickSight. What should
not have been is reported by kind (domain/drift.py), repaired or not.
Order of writes: the restart is counted on the attempt first (its count names the execution), then
the execution is started; dying between the two leads to the next restart.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.drift import Finding, judge_gate
from snapshot_export.domain.export import Attempt
from snapshot_export.domain.windows import GRACE_SECONDS, START_WINDOW_SECONDS
from snapshot_export.errors import ConditionFailedError, TransientError
from snapshot_export.flows.burst.resume import resume_bursts
from snapshot_export.flows.export.admit import admit, start_executions
from snapshot_export.flows.export.repair import find_unreadable, repair
from snapshot_export.flows.periodic.every_target import for_every_target
from snapshot_export.flows.periodic.find_drift import find_overdue_leases, find_stalled_backlog
from snapshot_export.flows.periodic.gauges import Gauges, read_gauges

RECOUNT_SECONDS = 0.5

logger = Logger(child=True)


@dataclass(frozen=True, kw_only=True)
class Repaired:
    """What one pass repaired, by kind."""

    executions_restarted: int
    counter_corrected: int
    leases_released: int
    bursts_resumed: int
    admitted: int
    findings: tuple[Finding, ...]
    """What should not have been, repaired or not."""
    gauges: tuple[Gauges, ...]
    """What is there after the pass, of each target."""

    def counts(self) -> dict[str, int]:
        """How many repairs of each kind."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in ("findings", "gauges")
        }


def reconcile_all(services: Services) -> Repaired:
    """One pass over every target."""
    passes = for_every_target(services, reconcile)
    counts = [each.counts() for each in passes]
    return Repaired(
        **{kind: sum(each[kind] for each in counts) for kind in counts[0]},
        findings=tuple(finding for each in passes for finding in each.findings),
        gauges=tuple(gauges for each in passes for gauges in each.gauges),
    )


def reconcile(services: Services) -> Repaired:
    """One pass over everything of a target's that is in flight."""
    repaired = repair(services)
    _, attempts = services.store.in_flight()
    running = services.executions.running_names() if attempts else set()
    restarted = sum(
        _restart_if_gone(services, attempt)
        for attempt in attempts
        if attempt.is_readable and attempt.execution_name not in running
    )
    corrected, drift = _correct_counter(services)
    overdue, released = find_overdue_leases(services, attempts)
    resumed, admitted = resume_bursts(services), admit(services)
    found = (drift, overdue, find_stalled_backlog(services), find_unreadable(services, repaired))
    return Repaired(
        executions_restarted=restarted,
        counter_corrected=corrected,
        leases_released=released,
        bursts_resumed=resumed,
        admitted=admitted,
        findings=tuple(
            replace(finding, target=services.settings.target) for finding in found if finding
        ),
        gauges=_gauges(services),
    )


def _gauges(services: Services) -> tuple[Gauges, ...]:
    """What was repaired is reported even if the gauges cannot be read."""
    try:
        return (read_gauges(services),)
    except TransientError as error:
        logger.warning("not gauged", reason=str(error))
        return ()


def _restart_if_gone(services: Services, attempt: Attempt) -> bool:
    now = services.now()
    since = attempt.restarted_at or attempt.admitted_at
    if now - since < GRACE_SECONDS or services.executions.is_running(attempt.execution_name):
        return False
    try:
        again = services.store.mark_restarted(attempt, now, now + START_WINDOW_SECONDS)
    except ConditionFailedError:
        return False
    start_executions(services, [again])
    logger.error(
        "execution restarted",
        reason="attempt without a running execution",
        export_id=attempt.export_id,
        execution=again.execution_name,
    )
    return True


def _correct_counter(services: Services) -> tuple[int, Finding | None]:
    """Repair a counter that differs from the leases in two readings. Only a hand could do that."""
    seen = judge_gate(*services.store.in_flight())
    if seen is None:
        return 0, None
    services.sleep(RECOUNT_SECONDS)
    gate, attempts = services.store.in_flight()
    if judge_gate(gate, attempts) != seen:
        return 0, None
    leases = sum(attempt.holds_slot for attempt in attempts)
    try:
        services.store.correct_counter(gate.running, leases)
    except ConditionFailedError:
        return 0, None
    logger.error("counter corrected", reason=seen.reason, seen=gate.running, leases=leases)
    return 1, seen

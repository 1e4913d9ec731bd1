"""The reconciler: on a rule every minute, and on status events of executions."""

from __future__ import annotations

from functools import partial
from typing import Any

from snapshot_export.adapters.measuring import measure_target, metrics
from snapshot_export.adapters.services import services_from_env
from snapshot_export.domain.drift import Drift
from snapshot_export.flows.delivery.sweep import sweep
from snapshot_export.flows.periodic.every_target import for_every_target
from snapshot_export.flows.periodic.reconcile import reconcile_all
from snapshot_export.flows.periodic.start_after_data import start_after_data
from snapshot_export.handlers.boundary import guarded, logger
from snapshot_export.metric import Metric

BROKEN_EXECUTION = "Step Functions Execution Status Change"
DATA_SECONDS = 20.0
"""For what waits for data, after all else: the function has 60 s."""
SWEEP_SECONDS = 10.0
"""For mails, after that."""


@metrics.log_metrics
@guarded
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """EventBridge event in, counts of what was repaired out.

    Each kind of repair and of drift is a metric of the passes that found some: a metric costs by
    the hour in which it has data. `BacklogStalled` is written in every pass, 0 too: its alarm takes
    no data for a reconciler that does not run, all others' for nothing found.
    """
    services = services_from_env()
    done = reconcile_all(services)
    if event.get("detail-type") != BROKEN_EXECUTION:
        stop_at = services.now() + DATA_SECONDS
        for_every_target(services, partial(start_after_data, stop_at=stop_at))
        for_every_target(services, partial(sweep, stop_at=stop_at + SWEEP_SECONDS))
    repaired: dict[str, Any] = done.counts()
    for kind, number in repaired.items():
        if number:
            services.measure(Metric[f"MENDED_{kind.upper()}"], number)
    for drift in Drift:
        amounts = [finding.amount for finding in done.findings if finding.kind is drift]
        if amounts or drift is Drift.BACKLOG_STALLED:
            services.measure(Metric[drift.name], sum(amounts))
    for gauges in done.gauges:
        measure_target(gauges.target, gauges.values)
    for finding in done.findings:
        logger.error(
            "drift",
            reason=finding.reason,
            kind=finding.kind.value,
            amount=finding.amount,
            target=finding.target,
        )
    logger.info("reconciled", reason=event.get("detail-type", "called"), **repaired)
    return repaired

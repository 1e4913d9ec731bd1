"""Announces deadlines that are newly at risk; called every minute."""

from __future__ import annotations

from typing import Any

from snapshot_export.adapters.measuring import measure_target, metrics
from snapshot_export.adapters.services import services_from_env
from snapshot_export.flows.periodic.every_target import for_every_target
from snapshot_export.flows.periodic.warn import warn_of_deadlines
from snapshot_export.handlers.boundary import guarded, logger


@metrics.log_metrics
@guarded
def handler(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Counts out."""
    passes = for_every_target(services_from_env(), warn_of_deadlines)
    for each in passes:
        if each.gauges.values:
            measure_target(each.gauges.target, each.gauges.values)
    counts: dict[str, Any] = {"DeadlinesAtRisk": sum(each.announced for each in passes)}
    logger.info("deadlines looked at", reason="the clock", **counts)
    return counts

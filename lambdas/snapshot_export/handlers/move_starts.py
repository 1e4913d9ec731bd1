"""Moves the starts of schedules that say ReadyBy, and announces occurrences that were missed and
schedules that are outdated; called every few minutes."""

from __future__ import annotations

from typing import Any

from snapshot_export.adapters.measuring import metrics
from snapshot_export.adapters.services import services_from_env
from snapshot_export.flows.periodic.pass_over_schedules import pass_over_schedules
from snapshot_export.handlers.boundary import guarded, logger


@metrics.log_metrics
@guarded
def handler(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Counts out."""
    seen = pass_over_schedules(services_from_env())
    counts: dict[str, Any] = {
        "StartsMoved": seen.moved.starts_moved,
        "StartsMade": seen.moved.starts_made,
        "StartsNotMoved": seen.moved.starts_not_moved,
        "OccurrencesMissed": seen.missed,
        "SchedulesOutdated": seen.outdated,
    }
    logger.info("starts looked at", reason="the clock", **counts)
    return counts

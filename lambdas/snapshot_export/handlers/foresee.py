"""What is done ahead of time, on two rules: `{"Do": "WARN"}` each minute, `{"Do": "MOVE_STARTS"}`
each few minutes."""

from __future__ import annotations

from typing import Any

from snapshot_export.adapters.measuring import measure_target, metrics
from snapshot_export.adapters.services import services_from_env
from snapshot_export.flows.periodic.every_target import for_every_target
from snapshot_export.flows.periodic.pass_over_schedules import pass_over_schedules
from snapshot_export.flows.periodic.warn import warn_of_deadlines
from snapshot_export.handlers.boundary import guarded, logger


@metrics.log_metrics
@guarded
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """A rule's input in, counts out."""
    services = services_from_env()
    if event["Do"] == "MOVE_STARTS":
        seen_schedules = pass_over_schedules(services)
        moved = seen_schedules.moved
        done: dict[str, Any] = {
            "StartsMoved": moved.starts_moved,
            "StartsMade": moved.starts_made,
            "StartsNotMoved": moved.starts_not_moved,
            "OccurrencesMissed": seen_schedules.missed,
        }
    else:
        passes = for_every_target(services, warn_of_deadlines)
        for seen in passes:
            if seen.gauges.values:
                measure_target(seen.gauges.target, seen.gauges.values)
        done = {"DeadlinesTold": sum(seen.told for seen in passes)}
    logger.info("foreseen", reason="the clock", **done)
    return done

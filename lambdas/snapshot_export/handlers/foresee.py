"""What is done ahead of time, on two rules: `{"Do": "WARN"}` each minute, `{"Do": "MOVE_STARTS"}`
each few minutes."""

from __future__ import annotations

from typing import Any

from snapshot_export.adapters.services import services_from_env
from snapshot_export.flows.move_starts import move_starts
from snapshot_export.flows.warn import warn_of_deadlines
from snapshot_export.handlers.boundary import count, guarded, metrics


@metrics.log_metrics
@guarded
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """A rule's input in, counts out."""
    services = services_from_env()
    if event["Do"] == "MOVE_STARTS":
        moved = move_starts(services)
        done = {"StartsMoved": moved.starts_moved, "StartsMade": moved.starts_made}
    else:
        done = {"DeadlinesAtRisk": warn_of_deadlines(services)}
    for name, number in done.items():
        count(name, number)
    return done

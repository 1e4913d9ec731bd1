"""What is right in a schedule and yet will surprise: its occurrences that will not be as usual."""

from __future__ import annotations

from datetime import datetime

from snapshot_export.domain.schedule import Schedule
from snapshot_export.domain.summer_time import summer_time_warnings


def warnings_of(schedule: Schedule, now: datetime) -> tuple[str, ...]:
    """A sentence each. They hold names of zones, dates and times, nothing of the request."""
    if schedule.has_ended(now):
        return ("EndDate has passed: nothing occurs, and the schedule is disabled",)
    return summer_time_warnings(schedule, now)

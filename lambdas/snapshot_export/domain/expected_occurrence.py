"""When an occurrence of a schedule should have come in.

Stricter than `next_start`, which shows what is planned: where it is not known when the Scheduler
sends, it is expected at the latest that it can be. A rate(...) counts from a time that only the
Scheduler knows, so its next is expected one period after the last. Of a time that the clocks have
twice, the second is meant [? clock-change].
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from snapshot_export.domain.next_start import next_start
from snapshot_export.domain.schedule import Schedule
from snapshot_export.domain.schedule_expression import period_of


def expected_after(schedule: Schedule, seen: datetime, until: datetime) -> datetime | None:
    """When an enabled schedule should occur first after `seen`; None if that is after `until`.

    Within the schedule's dates, and without its flexible window. With ReadyBy: the latest start of
    the first moment whose latest start is later than `seen`.
    """
    due = _due(schedule, seen, until)
    is_over = due is not None and (due > until or (schedule.end is not None and due > schedule.end))
    return None if is_over else due


def _due(schedule: Schedule, seen: datetime, until: datetime) -> datetime | None:
    if schedule.ready_by is not None:
        latest = schedule.ready_by.latest
        return schedule.ready_by.moment_after(max(seen, schedule.start or seen) + latest) - latest
    if period := period_of(schedule.expression):
        if schedule.start is not None and schedule.start > seen:
            return schedule.start
        return seen + period if period <= until - seen else None
    start = next_start(schedule, seen)
    zone = ZoneInfo(schedule.zone)
    return start and start.astimezone(zone).replace(fold=1).astimezone(UTC)

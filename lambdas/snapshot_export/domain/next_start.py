"""When a schedule occurs next, of all its kinds.

A time of the day that summer time skips has no occurrence; of one that it doubles the first is
taken, since the Scheduler's guide does not say at which of the two it occurs [? clock-change]. A
flexible window can make the start that much later.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from snapshot_export.domain.cron import Cron
from snapshot_export.domain.ready_by import ReadyBy
from snapshot_export.domain.schedule import Schedule
from snapshot_export.domain.schedule_expression import AT, rate_start_after

_DAYS_AHEAD = 5 * 366


def next_start(schedule: Schedule, now: datetime) -> datetime | None:
    """The first start after `now`, in UTC.

    None for a schedule that is disabled or has no start left within five years, and for a rate
    without a StartDate: it counts from when the Scheduler got it, which only the Scheduler knows.
    """
    if schedule.state != "ENABLED":
        return None
    after = max(now, schedule.start - timedelta(microseconds=1)) if schedule.start else now
    found = _start_after(schedule, after)
    if found is None or (schedule.end and found > schedule.end):
        return None
    return found


def _start_after(schedule: Schedule, after: datetime) -> datetime | None:
    zone = ZoneInfo(schedule.zone)
    if schedule.ready_by is not None:
        return _planned_start(schedule.ready_by, schedule.expression, after)
    if match := AT.fullmatch(schedule.expression):
        at = _existing(datetime.fromisoformat(match[1]), zone)
        return at if at and at > after else None
    if cron := Cron.of(schedule.expression):
        return _next_of_cron(cron, zone, after)
    if schedule.start is None:
        return None
    return rate_start_after(schedule.expression, schedule.start.astimezone(UTC), after)


def _planned_start(rule: ReadyBy, expression: str, after: datetime) -> datetime | None:
    """The start for the first moment whose start lies ahead, as it is planned now."""
    moment = rule.moment_after(after)
    start = rule.start_in(expression, moment)
    if start is not None and start <= after:
        start = rule.start_in(expression, rule.moment_after(moment))
    return start


def _next_of_cron(cron: Cron, zone: ZoneInfo, after: datetime) -> datetime | None:
    first = after.astimezone(zone).date()
    for day in (first + timedelta(days=number) for number in range(_DAYS_AHEAD)):
        if not cron.is_day(day):
            continue
        times = (
            _existing(datetime(day.year, day.month, day.day, hour, minute), zone)
            for hour in cron.hours
            for minute in cron.minutes
        )
        if ahead := [at for at in times if at and at > after]:
            return min(ahead)
    return None


def _existing(local: datetime, zone: ZoneInfo) -> datetime | None:
    """A local time in UTC, None if the zone skips it."""
    at = local.replace(tzinfo=zone).astimezone(UTC)
    return at if at.astimezone(zone).replace(tzinfo=None) == local else None

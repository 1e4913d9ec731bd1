"""What clock changes do to schedules: times of the day that a zone skips, or has twice.

Source: EventBridge Scheduler user guide, "Schedule types", "Daylight savings time": an occurrence
whose time does not exist on a day is skipped on that day; one whose time exists twice occurs once.
The guide does not say at which of the two, nor what becomes of at(...) [? clock-change].
ReadyBy moments are found here, not by the Scheduler: one that is skipped lies after the gap, of two
the first is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from snapshot_export.domain.cron import Cron
from snapshot_export.domain.schedule import Schedule
from snapshot_export.domain.schedule_expression import AT

_LOOK_AHEAD = timedelta(days=5 * 366)
_STRIDE = timedelta(days=7)
"""Two changes of a zone within a week, one undoing the other, are not seen."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class ClockChange:
    """Local times from `first` until `end` are skipped, or there twice."""

    at: datetime
    first: datetime
    end: datetime
    is_skipped: bool

    def minutes(self) -> Iterator[datetime]:
        """Each local minute that is skipped or doubled."""
        minute = self.first
        while minute < self.end:
            yield minute
            minute += _MINUTE


@lru_cache(maxsize=100)
def clock_changes(zone: str, begin: date) -> tuple[ClockChange, ...]:
    """The changes of a zone's clocks within five years from a day on."""
    info, before = ZoneInfo(zone), datetime.combine(begin, time(), UTC)
    end, found = before + _LOOK_AHEAD, []
    while before < end:
        after = before + _STRIDE
        old, new = _offset(info, before), _offset(info, after)
        if old != new:
            at = _bisect(info, before, after)
            local = at.replace(tzinfo=None)
            if new > old:
                change = ClockChange(at=at, first=local + old, end=local + new, is_skipped=True)
            else:
                change = ClockChange(at=at, first=local + new, end=local + old, is_skipped=False)
            found.append(change)
        before = after
    return tuple(found)


def summer_time_warnings(schedule: Schedule, now: datetime) -> tuple[str, ...]:
    """A sentence for the next date on which an occurrence is skipped, one for the next doubled.

    Within five years, and within the schedule's own dates. A rate(...) has no time of the day.
    """
    begin = max(now, schedule.start or now)
    found: dict[bool, str] = {}
    for change in clock_changes(schedule.zone, begin.astimezone(UTC).date()):
        is_within = begin < change.at and (schedule.end is None or change.at <= schedule.end)
        if change.is_skipped not in found and is_within:
            local = next((each for each in change.minutes() if _occurs(schedule, each)), None)
            if local is not None:
                found[change.is_skipped] = _sentence(schedule, change, local)
        if len(found) == 2:
            break
    return tuple(sorted(found.values()))


def _occurs(schedule: Schedule, local: datetime) -> bool:
    if schedule.ready_by is not None:
        rule = schedule.ready_by
        return local.time() == rule.at and rule.is_day(local.date())
    if match := AT.fullmatch(schedule.expression):
        return datetime.fromisoformat(match[1]).replace(second=0) == local
    cron = Cron.of(schedule.expression)
    return cron is not None and cron.names(local)


def _sentence(schedule: Schedule, change: ClockChange, local: datetime) -> str:
    place = f"{local:%Y-%m-%d}: {local:%H:%M} "
    if change.is_skipped:
        place += f"does not exist in {schedule.zone}, whose clocks go on to {change.end:%H:%M}"
        shift = change.end - change.first
        if schedule.ready_by is not None:
            return f"{place}: it will be ready by {local + shift:%H:%M}"
        return f"{place}: the occurrence is skipped"
    place += f"exists twice in {schedule.zone}, whose clocks go back to {change.first:%H:%M}"
    if schedule.ready_by is not None:
        return f"{place}: it will be ready by the first"
    return f"{place}: it occurs once, at one of the two"


def _offset(info: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(info).utcoffset() or timedelta()


def _bisect(info: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first minute with the offset of `after`."""
    before = before.replace(second=0, microsecond=0)
    old = _offset(info, before)
    while after - before > _MINUTE:
        middle = before + (after - before) // 2
        middle = middle.replace(second=0, microsecond=0)
        if middle <= before:
            break
        if _offset(info, middle) == old:
            before = middle
        else:
            after = middle
    return after.replace(second=0, microsecond=0)

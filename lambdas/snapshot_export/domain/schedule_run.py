"""A run of a schedule by hand: now, an occurrence that was missed, or each one of some days.

An occurrence that the schedule has itself is the same one by hand: it has the same id and the same
request, so whichever comes first is done, and the other changes nothing. Any other time is an
occurrence of its own, dated and named by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from snapshot_export.domain.next_start import next_start
from snapshot_export.domain.occurrence import Occurrence, read_occurrence
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.domain.schedule import Schedule
from snapshot_export.domain.schedule_expression import period_of
from snapshot_export.domain.shape import Shape, rule

MAX_OCCURRENCES = 31
"""Of one call: a month of days. Each is accepted while the caller waits for the answer."""
_INSTANT = timedelta(microseconds=1)
_RATE = "must be a time: when a rate(...) without a StartDate occurs is known to the Scheduler only"


def _day_or_time(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None or value == moment.date().isoformat():
            return value
    except ValueError:
        pass
    raise rule("must be a day, such as 2026-11-23, or an ISO 8601 time with an offset")


DayOrTime = Annotated[str, AfterValidator(_day_or_time)] | None


class RunBody(Shape):
    """The body of POST /schedules/{Name}/run; `{}` is an occurrence now."""

    At: DayOrTime = Field(
        default=None,
        description="the time of an occurrence, or its day in the schedule's zone; else now",
    )
    From: DayOrTime = Field(default=None, description="each occurrence from this day or time on")
    To: DayOrTime = Field(
        default=None,
        description=f"to this day or time, both inclusive: {MAX_OCCURRENCES} occurrences at most",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.From is None) != (self.To is None) or (self.At and self.From):
            raise rule("must have At, or From and To, or none of them")
        return self


def times_of_run(schedule: Schedule, data: Any, now: datetime) -> list[datetime]:
    """The times of the occurrences that a body asks for, in UTC. Raises InvalidRequestError."""
    body = RunBody.checked(data)
    if body.From is not None and body.To is not None:
        return _times_between(schedule, body.From, body.To, now)
    if body.At is None:
        return [now.astimezone(UTC).replace(microsecond=0)]
    first, last = _span(body.At, schedule.zone)
    _refuse_future("At", first, now)
    if first == last:
        return [first.replace(microsecond=0)]
    found = _occurring(schedule, "At", first, min(last, now))
    if len(found) != 1:
        text = "more than once" if found else "not at all, or not yet,"
        raise _problem("At", f"must be a time: the schedule occurs {text} on that day")
    return found


def occurrence_by_hand(schedule: Schedule, at: datetime) -> Occurrence:
    """The occurrence at a time, as the schedule's message makes it.

    Raises InvalidRequestError for a request that cannot be dated.
    """
    ready_by, start = schedule.ready_by, at
    if ready_by is not None and ready_by.moment_after(at - _INSTANT) == at:
        start = at - ready_by.latest
    else:
        schedule = replace(schedule, ready_by=None)
    message = json.loads(schedule.message_at(start))
    return read_occurrence(message, message_id="", sent_at=at.timestamp())


def _times_between(schedule: Schedule, begin: str, end: str, now: datetime) -> list[datetime]:
    first, last = _span(begin, schedule.zone)[0], _span(end, schedule.zone)[1]
    _refuse_future("From", first, now)
    _refuse_future("To", _span(end, schedule.zone)[0], now)
    found = _occurring(schedule, "From", first, min(last, now))
    if not found:
        raise _problem("From", "must lie before an occurrence of the schedule that To includes")
    if len(found) > MAX_OCCURRENCES:
        raise _problem("To", f"must include at most {MAX_OCCURRENCES} occurrences: there are more")
    return found


def _occurring(schedule: Schedule, place: str, first: datetime, last: datetime) -> list[datetime]:
    """Occurrences from first to last, one more than MAX_OCCURRENCES at most."""
    if period_of(schedule.expression) and schedule.start is None and schedule.ready_by is None:
        raise _problem(place, _RATE)
    found: list[datetime] = []
    for at in _times_after(schedule, first - _INSTANT):
        if at > last or len(found) > MAX_OCCURRENCES:
            break
        found.append(at)
    return found


def _times_after(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """Whether it is enabled or not; within the schedule's dates."""
    if schedule.ready_by is None:
        enabled = replace(schedule, state="ENABLED")
        while (at := next_start(enabled, after)) is not None:
            yield at
            after = at
        return
    after = max(after, schedule.start - _INSTANT) if schedule.start else after
    while True:
        after = schedule.ready_by.moment_after(after)
        if schedule.end is not None and after > schedule.end:
            return
        yield after


def _span(text: str, zone: str) -> tuple[datetime, datetime]:
    """The first and last instant of a day in a zone, or a time twice; in UTC."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        return moment.astimezone(UTC), moment.astimezone(UTC)
    day: date = moment.date()
    begin, end = (
        datetime.combine(day + timedelta(days=days), time(), ZoneInfo(zone)).astimezone(UTC)
        for days in (0, 1)
    )
    return begin, end - _INSTANT


def _refuse_future(place: str, moment: datetime, now: datetime) -> None:
    """What lies ahead will be run by the schedule: by hand, it would be that one."""
    if moment > now:
        raise _problem(place, "must not lie in the future")


def _problem(place: str, text: str) -> InvalidRequestError:
    return InvalidRequestError((Problem(place, text),))

"""Which minutes a cron expression of EventBridge Scheduler names.

Of expressions that `problem_of_expression` found right. Source: the Scheduler user guide,
"Cron-based schedules": L, W and # as there; 1 is Sunday.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from snapshot_export.domain.schedule_expression import CRON, DAYS, FIELDS, number_of

Test = Callable[[date], bool]


@dataclass(frozen=True)
class Cron:
    """The minutes, hours and days that an expression names, in whatever zone it is meant."""

    minutes: frozenset[int]
    hours: frozenset[int]
    is_day: Test

    @classmethod
    def of(cls, expression: str) -> Cron | None:
        """None if the expression is no cron(...)."""
        match = CRON.fullmatch(expression)
        if match is None:
            return None
        minutes, hours, day, month, weekday, year = match[1].split()
        months, years = _numbers(month, 3), _numbers(year, 5)
        in_month, in_week = _test_day(day), _test_weekday(weekday)
        return cls(
            _numbers(minutes, 0),
            _numbers(hours, 1),
            lambda at: at.month in months and at.year in years and in_month(at) and in_week(at),
        )

    def names(self, local: datetime) -> bool:
        """Whether it occurs in the minute of a local time."""
        is_time = local.minute in self.minutes and local.hour in self.hours
        return is_time and self.is_day(local.date())


def _test_day(text: str) -> Test:
    if text == "?":
        return lambda _: True
    if text == "L":
        return lambda at: at.day == _last_of(at).day
    if text == "LW":
        return lambda at: at == _weekday_near(_last_of(at))
    if text.endswith("W"):
        day = int(text[:-1])
        return lambda at: day <= _last_of(at).day and at == _weekday_near(at.replace(day=day))
    days = _numbers(text, 2)
    return lambda at: at.day in days


def _test_weekday(text: str) -> Test:
    if text == "?":
        return lambda _: True
    if text == "L":
        return lambda at: _day_of_week(at) == 7
    if text.endswith("L"):
        last = number_of(text[:-1], DAYS, 1)
        return lambda at: _day_of_week(at) == last and at.day > _last_of(at).day - 7
    name, mark, nth = text.partition("#")
    if mark:
        day = number_of(name, DAYS, 1)
        return lambda at: _day_of_week(at) == day and (at.day - 1) // 7 + 1 == int(nth)
    days = _numbers(text, 4)
    return lambda at: _day_of_week(at) in days


def _day_of_week(at: date) -> int:
    return at.isoweekday() % 7 + 1


def _last_of(at: date) -> date:
    return at.replace(day=calendar.monthrange(at.year, at.month)[1])


def _weekday_near(at: date) -> date:
    """The day from Monday to Friday that is nearest, within the month."""
    shift = {5: -1, 6: 1}.get(at.weekday(), 0)
    near = at + timedelta(days=shift)
    return near if near.month == at.month else at - timedelta(days=2 if shift > 0 else -2)


def _numbers(text: str, field: int) -> frozenset[int]:
    """The numbers of a list of single ones, spans and steps."""
    _, low, high, names, _ = FIELDS[field]
    found: set[int] = set()
    for item in text.split(","):
        span, slash, step = item.partition("/")
        begin, dash, end = span.partition("-")
        first = low if begin == "*" else number_of(begin, names, low)
        last = number_of(end, names, low) if dash else high if slash or begin == "*" else first
        if first is None or last is None:
            continue
        turned = range(first, high + 1) if first > last else range(first, last + 1)
        found |= set(turned[:: int(step or 1)])
        if first > last:  # as SAT-MON
            found |= set(range(low, last + 1)[:: int(step or 1)])
    return frozenset(found)

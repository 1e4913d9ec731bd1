"""When a schedule occurs: EventBridge Scheduler's three forms, checked before it sees them.

Source: the Scheduler user guide, "Schedule types in EventBridge Scheduler".
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_RATE = re.compile(r"rate\(([1-9]\d{0,8}) (minute|hour|day)s?\)")
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
CRON = re.compile(r"cron\(([^()]*)\)")
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
FIELDS: tuple[tuple[str, int, int, list[str], str | None], ...] = (
    ("minutes", 0, 59, [], None),
    ("hours", 0, 23, [], None),
    ("day of the month", 1, 31, [], r"\?|L|LW|(?:[1-9]|[12]\d|3[01])W"),
    ("month", 1, 12, _MONTHS, None),
    ("day of the week", 1, 7, DAYS, r"\?|L|(?:[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(?:L|#[1-5])"),
    ("year", 1970, 2199, [], None),
)


def problem_of_expression(text: str) -> str | None:
    """The rule that an expression breaks, or None."""
    if _RATE.fullmatch(text):
        return None
    if match := AT.fullmatch(text):
        try:
            datetime.fromisoformat(match[1])
        except ValueError:
            return "at(...) must hold a date that exists"
        return None
    if match := CRON.fullmatch(text):
        return _problem_of_cron(match[1].split())
    return (
        "must be rate(<number> minutes|hours|days), at(yyyy-mm-ddThh:mm:ss) or "
        "cron(minutes hours day-of-month month day-of-week year)"
    )


def rate_start_after(text: str, start: datetime, now: datetime) -> datetime | None:
    """The start, or the first of its times after `now` if it has passed and a rate counts from it.

    None if it has passed and nothing depends on it. A rate's day has 24 hours (user guide,
    "Daylight savings time").
    """
    if start > now:
        return start
    period = period_of(text)
    if period is None:
        return None
    try:
        return start + ((now - start) // period + 1) * period
    except OverflowError:
        return None


def period_of(text: str) -> timedelta | None:
    """The time between two occurrences of a rate(...); None for others, or more than can be."""
    match = _RATE.fullmatch(text)
    try:
        return int(match[1]) * _UNITS[match[2]] if match else None
    except OverflowError:  # a rate of more years than there are dates
        return None


def is_zone(name: str) -> bool:
    """Whether the IANA database has a time zone of this name."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


def _problem_of_cron(parts: list[str]) -> str | None:
    if len(parts) != len(FIELDS):
        return f"cron(...) must hold 6 fields, has {len(parts)}"
    for part, (name, low, high, names, special) in zip(parts, FIELDS, strict=True):
        if special and re.fullmatch(special, part):
            continue
        if not all(_is_item(item, low, high, names) for item in part.split(",")):
            return f"cron(...): {name} cannot be read"
    if (parts[2] == "?") == (parts[4] == "?"):
        return "cron(...): exactly one of day of the month and day of the week must be ?"
    return None


def _is_item(text: str, low: int, high: int, names: list[str]) -> bool:
    span, slash, step = text.partition("/")
    if slash and not (step.isdecimal() and 0 < int(step) <= high):
        return False
    if span == "*":
        return True
    ends = [number_of(end, names, low) for end in span.split("-")]
    return len(ends) <= 2 and all(end is not None and low <= end <= high for end in ends)


def number_of(text: str, names: list[str], low: int) -> int | None:
    """The number that a digit string or a name stands for; None if it is neither."""
    if text.upper() in names:
        return names.index(text.upper()) + low
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text) else None

"""Times as people write and read them; the API's own are ISO 8601 in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from snapshots.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_duration(text: str) -> timedelta | None:
    """`90s`, `30m`, `2h`, `1d` or sums such as `1h30m`; None if it is no duration."""
    if not re.fullmatch(r"(\d{1,6}[smhd])+", text):
        return None
    parts = re.findall(r"(\d+)([smhd])", text)
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in parts))


def parse_time(text: str, *, now: datetime, direction: int) -> str:
    """A moment as the API takes it. `direction` -1 counts durations back from `now`, 1 ahead.

    A time without an offset is the user's local time. Raises UsageError.
    """
    duration = parse_duration(text)
    try:
        moment = now + direction * duration if duration else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is neither a duration (30m, 2h, 1d) nor an ISO 8601 time"
        ) from None
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def show_time(text: str | None, *, now: datetime) -> str:
    """A time of the API's in the user's zone, `13:45:12`, with its date unless it is today's."""
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text).astimezone()
    except ValueError:
        return text
    is_today = moment.date() == now.astimezone().date()
    return f"{moment:%H:%M:%S}" if is_today else f"{moment:%Y-%m-%d %H:%M:%S}"


def show_seconds(seconds: float) -> str:
    """A length of time in its two greatest units: `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def seconds_between(earlier: str | None, later: str | None) -> float | None:
    """Seconds between two times of the API's, None where either is missing."""
    if not earlier or not later:
        return None
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()

"""Times, lengths and sizes as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from snapshot_export.domain.export import ErrorInfo

NONE = "\N{EN DASH}"
"""Stands where there is nothing to say."""
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def moment(time: float | None) -> str:
    """HTML of a time, in UTC to the second."""
    if time is None:
        return NONE
    at = datetime.fromtimestamp(time, UTC)
    return f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{at.day} {at:%b %Y, %H:%M:%S} UTC</time>'


def length(seconds: float | None) -> str:
    """A length of time in its two largest units: "43.9 s", "12 min 4 s", "2 h 5 min"."""
    if seconds is None:
        return NONE
    if seconds < 59.95:
        return f"{max(0.0, seconds):.1f} s"
    rest, parts = round(seconds), []
    for unit, name in _UNITS:
        count, rest = divmod(rest, unit)
        if count:
            parts.append(f"{count} {name}")
        elif parts:
            break
    return " ".join(parts[:2])


def size(octets: int | None) -> str:
    """A size in its largest decimal unit."""
    amount, unit = float(octets or 0), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 999.5:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.5 else f"{amount:.1f} {unit}"


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 export", "12,000 exports"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def text(value: object) -> str:
    """Text that came from outside, safe in HTML and in a quoted attribute."""
    return escape(str(value), quote=True)


def place(uri: str) -> str:
    """HTML of an address that is not linked."""
    return f'<span class="mono">{text(uri)}</span>'


def reason(error: ErrorInfo | None) -> str:
    """HTML of why something failed, nothing for no error."""
    if error is None:
        return ""
    message = f" {text(error.message)}" if error.message else ""
    return f' <span class="mono">{text(error.code)}</span>{message}'

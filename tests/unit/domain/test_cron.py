"""Which minutes a cron expression names."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from snapshot_export.domain.cron import Cron


def days(expression: str, year: int = 2026) -> list[str]:
    """The days of a year that an expression names, as 08-15."""
    cron = Cron.of(expression)
    assert cron is not None
    first = date(year, 1, 1)
    found = (first + timedelta(days=number) for number in range(366))
    return [f"{day:%m-%d}" for day in found if day.year == year and cron.is_day(day)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 6 15 * ? 2026)", [f"{month:02}-15" for month in range(1, 13)]),
        ("cron(0 6 L FEB ? *)", ["02-28"]),
        ("cron(0 6 LW MAY ? *)", ["05-29"]),  # the 31st is a Sunday
        ("cron(0 6 1W AUG ? *)", ["08-03"]),  # the 1st is a Saturday, and July is not August
        ("cron(0 6 15W AUG ? *)", ["08-14"]),  # a Saturday
        ("cron(0 6 31W MAY ? *)", ["05-29"]),
        ("cron(0 6 31W FEB ? *)", []),
        ("cron(0 6 ? MAR 2#2 *)", ["03-09"]),
        ("cron(0 6 ? MAR SUNL *)", ["03-29"]),
        ("cron(0 6 ? MAR L *)", ["03-07", "03-14", "03-21", "03-28"]),
        ("cron(0 6 ? JAN FRI-SUN *)", [f"01-{day:02}" for day in range(1, 32)
                                       if date(2026, 1, day).weekday() >= 4]),
        ("cron(0 6 1/10 JAN ? *)", ["01-01", "01-11", "01-21", "01-31"]),
        ("cron(0 6 1 1,JUL ? *)", ["01-01", "07-01"]),
        ("cron(0 6 1 * ? 2027)", []),
    ],
)  # fmt: skip
def test_days(expression: str, expected: list[str]) -> None:
    assert days(expression) == expected


def test_minutes_and_hours() -> None:
    cron = Cron.of("cron(5/20 8-10,22 * * ? *)")
    assert cron is not None
    assert (sorted(cron.minutes), sorted(cron.hours)) == ([5, 25, 45], [8, 9, 10, 22])
    assert cron.names(datetime(2028, 2, 29, 8, 45)) and not cron.names(datetime(2028, 2, 29, 11, 5))
    everything = Cron.of("cron(* * * * ? *)")
    assert everything is not None
    assert (len(everything.minutes), len(everything.hours)) == (60, 24)


def test_other_forms_are_no_cron() -> None:
    assert Cron.of("rate(1 day)") is None and Cron.of("at(2026-12-24T07:00:00)") is None

"""When a schedule occurs: what EventBridge Scheduler takes, and what it would refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain.schedule_expression import is_zone, problem_of_expression


@pytest.mark.parametrize(
    "text",
    [
        "rate(1 minute)",
        "rate(5 minutes)",
        "rate(12 hours)",
        "rate(365 days)",
        "at(2026-12-24T07:00:00)",
        "cron(0 6 ? * MON-FRI *)",
        "cron(15 10 ? * 6L 2026-2030)",
        "cron(0 12 1 * ? *)",
        "cron(0/15 8-17 ? * MON,WED,FRI *)",
        "cron(0 18 L * ? *)",
        "cron(0 8 15W JAN,JUL ? 2026)",
        "cron(0 8 ? * 2#1 *)",
        "cron(*/10 * * * ? *)",
    ],
)
def test_the_schedulers_three_forms_are_taken(text: str) -> None:
    assert problem_of_expression(text) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("every morning", "must be rate"),
        ("rate(0 minutes)", "must be rate"),
        ("rate(5 weeks)", "must be rate"),
        ("rate(1.5 hours)", "must be rate"),
        ("at(2026-02-30T07:00:00)", "a date that exists"),
        ("at(2026-12-24 07:00)", "must be rate"),
        ("cron(0 6 * * *)", "6 fields, has 5"),
        ("cron(60 6 ? * MON *)", "minutes cannot be read"),
        ("cron(0 24 ? * MON *)", "hours cannot be read"),
        ("cron(0 6 32 * ? *)", "day of the month cannot be read"),
        ("cron(0 6 ? FOO MON *)", "month cannot be read"),
        ("cron(0 6 ? * MO *)", "day of the week cannot be read"),
        ("cron(0 6 ? * MON 1969)", "year cannot be read"),
        ("cron(0 6 * * * *)", "must be ?"),
        ("cron(0 6 ? * ? *)", "must be ?"),
        ("cron(0/0 6 ? * MON *)", "minutes cannot be read"),
        ("cron(, 6 ? * MON *)", "minutes cannot be read"),
    ],
)
def test_what_it_would_refuse_is_refused_here_with_the_reason(text: str, told: str) -> None:
    assert told in (problem_of_expression(text) or "")


@given(st.text(max_size=40))
def test_no_text_breaks_the_check(text: str) -> None:
    problem_of_expression(text)
    problem_of_expression(f"cron({text})")
    is_zone(text)


def test_zones_are_those_of_the_iana_database() -> None:
    assert all(map(is_zone, ("UTC", "Europe/Berlin", "America/Argentina/Ushuaia")))
    assert not any(map(is_zone, ("", "Europe", "../etc/passwd", "Mars/Olympus", "/etc/localtime")))

"""Every order of calls that broke a promise once."""

from __future__ import annotations

from tests.chaos.part import run_alone


def test_orders_that_broke_a_promise_once_break_none() -> None:
    result, _ = run_alone("overlaps", "sample")
    assert not result.violations, result.violations[0]
    assert result.line.startswith("overlaps: 3 orders, "), result.line

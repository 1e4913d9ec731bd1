"""A small, fixed part of the interleavings; `make chaos` looks further."""

from __future__ import annotations

from tests.chaos.part import run_alone


def test_functions_interleaved_at_their_calls_keep_counter_leases_and_backlog() -> None:
    result, _ = run_alone("interleavings", "sample")
    assert not result.violations, result.violations[0]
    assert int(result.line.split()[1]) >= 16, result.line

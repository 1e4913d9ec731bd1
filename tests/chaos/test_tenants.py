"""A fixed part of the witness of tenants, and that it sees what it is there to see."""

from __future__ import annotations

from tests.chaos.part import run_alone


def test_every_file_and_link_shows_its_own_recipients_rows_and_no_others() -> None:
    result, _ = run_alone("tenants", "sample")
    assert not result.violations, result.violations[:5]
    assert result.line.startswith("tenants: 45 recipients in 3 bursts, "), result.line

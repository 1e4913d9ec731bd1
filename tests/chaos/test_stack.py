"""A short run of part `stack`: the stack behind the fault proxies, everything going wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.stack import SHORT
from tests.chaos.stack.plan import run_plan


@pytest.mark.nightly
def test_faults_kills_stops_and_lost_events_lose_nothing_and_start_nothing_twice(
    tmp_path: Path,
) -> None:
    result = run_plan(SHORT, tmp_path)
    print(result.line)
    assert result.violations == [], result.line

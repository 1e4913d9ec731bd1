"""A short run of part `stack`: the stack behind the fault proxies, everything going wrong."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.stack.plan import Plan, run_plan

SHORT = Plan(
    exports=30,
    seed=1,
    wait_scale=0.15,
    in_turn=True,
    waves=3,
    wave_seconds=2.0,
    kill=(1.0, 4.0),
    most_kills=8,
    stop=(1.0, 3.0),
    most_stops=3,
    occupy=(1.0, 4.0),
    drop_events=(0.5, 3.0),
    outage=(3.0, 8.0),
    cancel=(0.3, 1.0),
    clock=(3.0, 4.0),
    calm_at=0.6,
)


def test_faults_kills_stops_and_lost_events_lose_nothing_and_start_nothing_twice(
    tmp_path: Path,
) -> None:
    result = run_plan(SHORT, tmp_path)
    print(result.line)
    assert result.violations == [], result.line

"""The fixed sample of the crash points (`make chaos` tries them all), and the harness itself."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.chaos.calls import Call, Calls, Fate, Killed
from tests.chaos.part import run_alone
from tests.chaos.points import SAMPLED
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.theatre import theatre


def test_the_sample_of_crash_points_is_survived() -> None:
    result, _ = run_alone("points", "sample")
    assert not result.violations, result.line
    assert f"in {len(SAMPLED)} scenarios" in result.line


def test_a_kill_that_a_handler_stops_is_told() -> None:
    calls = Calls()
    with pytest.raises(Killed), calls.of_a_function(), suppress(BaseException):
        calls._die(Call(0, "dynamodb.GetItem", "flows/export/check.py:check"))
    assert len(calls.swallowed) == 1


def test_a_start_killed_after_it_took_effect_is_adopted_and_not_repeated() -> None:
    (scenario,) = (each for each in SCENARIOS if each.name == "fails_once")

    def choose(call: Call) -> Fate | None:
        is_start = call.operation == "quicksight.StartDashboardSnapshotJob"
        return Fate.AFTER if is_start else None

    with theatre() as stage:
        played = stage.play(scenario, choose)
    assert played.struck is not None
    assert played.violations == ()
    starts = [call for call in played.calls if call.operation == played.struck.operation]
    assert len(starts) == 3, "two attempts, the first of them asked for twice"

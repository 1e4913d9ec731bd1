"""AIMD: two that share a limit without knowing of each other come to their shares."""

from __future__ import annotations

import pytest

from snapshot_export.domain.pace import (
    INCREASE,
    MIN_CALLS_PER_SECOND,
    NEVER_SECONDS,
    SETTLE_SECONDS,
    Slowdown,
    calls_ahead,
    pace_at,
    slowed,
)

NOW = 1_800_000_000.0


def test_without_a_slowdown_the_pace_is_the_deployments() -> None:
    assert pace_at(None, 8.0, NOW) == 8.0


def test_a_throttled_call_halves_it_and_each_second_gives_some_back() -> None:
    slowdown = slowed(None, 8.0, NOW)
    assert slowdown == Slowdown(calls_per_second=4.0, at=NOW)
    assert pace_at(slowdown, 8.0, NOW) == 4.0
    assert pace_at(slowdown, 8.0, NOW + 10) == pytest.approx(4.0 + 10 * INCREASE)
    assert pace_at(slowdown, 8.0, NOW + 4.0 / INCREASE) == 8.0
    assert pace_at(slowdown, 8.0, NOW + 1e6) == 8.0, "and never more"


def test_answers_to_calls_sent_before_a_slowdown_lower_it_once() -> None:
    slowdown = Slowdown(calls_per_second=4.0, at=NOW)
    assert slowed(slowdown, 8.0, NOW + SETTLE_SECONDS - 0.1) is None
    assert slowed(slowdown, 8.0, NOW - SETTLE_SECONDS + 0.1) is None, "another function's clock"
    again = slowed(slowdown, 8.0, NOW + SETTLE_SECONDS)
    assert again is not None
    assert again.calls_per_second == pytest.approx((4.0 + INCREASE * SETTLE_SECONDS) / 2)


@pytest.mark.parametrize("most", [0.1, 0.5, 8.0])
def test_it_never_stops(most: float) -> None:
    slowdown, now = None, NOW
    for _ in range(20):
        slowdown = slowed(slowdown, most, now) or slowdown
        now += SETTLE_SECONDS
        assert min(most, MIN_CALLS_PER_SECOND) <= pace_at(slowdown, most, now) <= most


def test_what_lies_far_ahead_was_written_by_hand() -> None:
    wrong = Slowdown(calls_per_second=0.5, at=NOW + NEVER_SECONDS + 1)
    assert pace_at(wrong, 8.0, NOW) == 8.0
    assert slowed(wrong, 8.0, NOW) == Slowdown(calls_per_second=4.0, at=NOW)


def test_two_callers_share_a_limit_of_ten_evenly() -> None:
    """Each asks as often as it may; what both ask for beyond ten a second throttles both."""
    paces: list[list[float]] = [[], []]
    slowdowns: list[Slowdown | None] = [slowed(None, 8.0, NOW), None]
    for second in range(600):
        now = NOW + second
        both = [pace_at(each, 8.0, now) for each in slowdowns]
        if sum(both) > 10:
            slowdowns = [slowed(each, 8.0, now) or each for each in slowdowns]
        for pace, kept in zip(both, paces, strict=True):
            kept.append(pace)
    means = [sum(kept[300:]) / 300 for kept in paces]
    assert means[0] == pytest.approx(means[1], rel=0.1)
    assert sum(means) > 7, "and leave little unused"


@pytest.mark.parametrize(
    ("most", "ahead"),
    [(0.5, 0), (1.5, 0), (2, 1), (4, 2), (5, 3), (6, 2), (7.5, 0), (8, 0), (10, 0)],
)
def test_calls_that_may_come_early_leave_one_of_quicksights_ten(most: float, ahead: int) -> None:
    assert calls_ahead(None, most, NOW) == ahead
    assert most + ahead + 1 <= 9 or ahead == 0


def test_while_others_are_known_to_call_no_call_comes_early() -> None:
    lowered = Slowdown(calls_per_second=2.5, at=NOW)
    assert calls_ahead(lowered, 5.0, NOW + 24) == 0
    assert calls_ahead(lowered, 5.0, NOW + 25) == 3

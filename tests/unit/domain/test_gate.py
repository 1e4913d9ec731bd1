"""How many exports the gate admits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain.gate import (
    HOLD_SECONDS,
    PROBE_SECONDS,
    Gate,
    ceiling_at,
    decide_admission,
    open_slots,
)

NOW = 1000.0


def slots(gate: Gate, limit: int = 12, now: float = NOW, reserved: int = 0) -> int:
    decision = decide_admission(gate, default_limit=limit, default_reserved=reserved, now=now)
    return decision.slots


def test_a_missing_gate_lets_the_whole_limit_in() -> None:
    assert slots(Gate()) == 12
    assert open_slots(Gate(), default_limit=12) == 12
    assert decide_admission(Gate(), default_limit=12, now=NOW).slots == 12
    assert Gate() == Gate(running=0, ceiling_until=0.0, paused_until=0.0)


def test_a_reserve_above_the_limit_opens_no_slot() -> None:
    assert open_slots(Gate(), default_limit=2, default_reserved=3) == 0


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        (Gate(running=11), "below limit"),
        (Gate(running=12), "full"),
        (Gate(running=7, ceiling=7, ceiling_until=NOW + 1), "full"),
        (Gate(running=6, ceiling=7, ceiling_until=NOW + 1), "at the ceiling"),
        (Gate(running=7, ceiling=7, ceiling_until=NOW), "probing whether others left"),
        (Gate(paused_until=NOW + 1), "paused"),
        (Gate(running=12, paused_until=NOW + 1), "paused"),
    ],
)
def test_an_admission_says_why_it_is_as_it_is(gate: Gate, reason: str) -> None:
    assert decide_admission(gate, default_limit=12, now=NOW).reason == reason


@pytest.mark.parametrize(
    ("ceiling", "until", "holds"),
    [(None, 0.0, False), (11, NOW + 1, True), (11, NOW - 9.9, True), (11, NOW - 10, False),
     (12, NOW + 1, False), (20, NOW + 1, False)],
)  # fmt: skip
def test_a_ceiling_is_one_only_while_it_holds_exports_back(
    ceiling: int | None, until: float, holds: bool
) -> None:
    """Nobody who has lowered the limit, or has had nothing to do since, is told of it."""
    gate = Gate(ceiling=ceiling, ceiling_until=until)
    assert ceiling_at(gate, limit=12, now=NOW) == (ceiling if holds else None)


def test_the_hold_and_the_probe_last_as_documented() -> None:
    assert (HOLD_SECONDS, PROBE_SECONDS) == (15.0, 5.0)


def test_a_ceiling_below_the_limit_stays_as_it_is_during_its_hold() -> None:
    gate = Gate(running=6, ceiling=11, ceiling_until=NOW + 1)
    decision = decide_admission(gate, default_limit=12, now=NOW)
    assert (decision.cap, decision.ceiling, decision.ceiling_until) == (11, 11, NOW + 1)


@pytest.mark.parametrize("ceiling", [12, 13])
def test_a_ceiling_that_the_limit_does_not_pass_is_forgotten_during_its_hold(ceiling: int) -> None:
    gate = Gate(running=6, ceiling=ceiling, ceiling_until=NOW + 1)
    decision = decide_admission(gate, default_limit=12, now=NOW)
    assert (decision.cap, decision.ceiling, decision.ceiling_until) == (12, None, 0.0)


@pytest.mark.parametrize(("running", "expected"), [(0, 12), (11, 1), (12, 0), (13, 0)])
def test_the_limit_is_never_passed_even_from_above_it(running: int, expected: int) -> None:
    assert slots(Gate(running=running)) == expected


def test_the_gates_own_limit_replaces_the_deployments() -> None:
    assert slots(Gate(running=2, limit=3)) == 1
    assert slots(Gate(running=5, limit=3)) == 0
    assert slots(Gate(limit=0)) == 0


@pytest.mark.parametrize(("running", "expected"), [(0, 9), (8, 1), (9, 0), (12, 0)])
def test_the_reserve_is_left_to_people(running: int, expected: int) -> None:
    assert slots(Gate(running=running), reserved=3) == expected
    assert slots(Gate(running=running, reserved=3)) == expected


def test_the_gates_own_reserve_replaces_the_deployments() -> None:
    assert slots(Gate(reserved=0), reserved=3) == 12
    assert slots(Gate(limit=4), reserved=3) == 1
    assert slots(Gate(limit=3, reserved=3)) == slots(Gate(limit=2, reserved=3)) == 0


def test_a_probe_for_slots_of_others_does_not_reach_into_the_reserve() -> None:
    gate = Gate(running=9, ceiling=9, ceiling_until=NOW)
    decision = decide_admission(gate, default_limit=12, default_reserved=3, now=NOW)
    assert (decision.slots, decision.ceiling, decision.cap) == (0, None, 9)


def test_a_paused_gate_lets_nobody_in_until_its_time() -> None:
    assert slots(Gate(paused_until=NOW + 1)) == 0
    assert slots(Gate(paused_until=NOW)) == 12


def test_while_others_use_slots_only_freed_ones_are_filled() -> None:
    gate = Gate(running=6, ceiling=7, ceiling_until=NOW + 1)
    assert slots(gate) == 1


def test_after_the_hold_one_more_is_tried_and_the_ceiling_rises_by_it() -> None:
    decision = decide_admission(
        Gate(running=7, ceiling=7, ceiling_until=NOW), default_limit=12, now=NOW
    )
    assert (decision.slots, decision.ceiling) == (1, 8)
    assert decision.ceiling_until == NOW + PROBE_SECONDS


def test_a_probe_that_nobody_takes_does_not_raise_the_ceiling() -> None:
    gate = Gate(running=3, ceiling=7, ceiling_until=NOW)
    decision = decide_admission(gate, default_limit=12, now=NOW)
    assert decision.slots == 5
    fewer = decision.for_count(4)
    assert (fewer.cap, fewer.ceiling, fewer.ceiling_until) == (7, 7, NOW)
    assert decision.for_count(5) == decision
    assert decision.ceiling == 8


def test_the_ceiling_is_forgotten_when_it_reaches_the_limit() -> None:
    gate = Gate(running=11, ceiling=11, ceiling_until=NOW)
    decision = decide_admission(gate, default_limit=12, now=NOW)
    assert (decision.ceiling, decision.ceiling_until) == (None, 0.0)


@given(
    running=st.integers(0, 200),
    limit=st.none() | st.integers(0, 120),
    ceiling=st.none() | st.integers(0, 120),
    until=st.floats(0, 2 * NOW),
    default=st.integers(1, 100),
    reserved=st.none() | st.integers(0, 120),
    own=st.integers(0, 99),
)
def test_no_gate_admits_past_its_limit(
    running: int, limit: int | None, ceiling: int | None, until: float, default: int,
    reserved: int | None, own: int,
) -> None:  # fmt: skip
    gate = Gate(
        running=running, limit=limit, reserved=reserved, ceiling=ceiling, ceiling_until=until
    )
    decision = decide_admission(gate, default_limit=default, default_reserved=own, now=NOW)
    allowed = max(
        0, (default if limit is None else limit) - (own if reserved is None else reserved)
    )
    assert decision.slots == 0 or running + decision.slots <= allowed
    assert decision.for_count(min(1, decision.slots)).cap <= max(allowed, 0)

"""Turns for calls to QuickSight, by one item that every function moves on."""

from __future__ import annotations

from decimal import Decimal

import pytest

from snapshot_export.adapters.table.dynamodb import update_of
from snapshot_export.adapters.table.pacer import Pacer
from snapshot_export.domain.pace import NEVER_SECONDS, SETTLE_SECONDS
from snapshot_export.errors import NoTurnError, TransientError
from tests.support.world import World

SPACING = 0.125


class Callers:
    """Functions that ask for turns at one and the same time; each notes how long it waits."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.table = world.services.store._table
        self._key = world.keys.pacer
        self.waits: list[float] = []
        self.oversleeps = 0.0
        self.pacer = self.pacer_at(1 / SPACING)

    def pacer_at(self, calls_per_second: float) -> Pacer:
        return Pacer(
            self.table,
            self._key,
            calls_per_second=calls_per_second,
            now=lambda: self._world.clock.time,
            sleep=self._wait,
        )

    def _wait(self, seconds: float) -> None:
        assert seconds >= 0, "time.sleep refuses it"
        self.waits.append(round(seconds, 3))
        self._world.clock.time += self.oversleeps

    def set_next(self, value: object) -> None:
        self.table.update(update_of(self._key, "SET next_at = :at", values={":at": value}))

    def set_slowdown(self, pace: object, at: float) -> None:
        values = {":pace": pace, ":at": at}
        text = "SET slow_pace = :pace, slowed_at = :at"
        self.table.update(update_of(self._key, text, values=values))

    def next_in(self) -> float:
        """Seconds until the next turn that is free."""
        item = self.table.get(self._key)
        assert item is not None
        return round(float(item["next_at"]) - self._world.clock.time, 3)


@pytest.fixture
def callers(world: World) -> Callers:
    return Callers(world)


def test_turns_of_all_callers_together_are_a_spacing_apart(world: World, callers: Callers) -> None:
    for _ in range(3):
        callers.pacer.take_turn()
    world.clock.time += 10
    for _ in range(2):
        callers.pacer.take_turn()
    assert callers.waits == [0, SPACING, 2 * SPACING, 0, SPACING]


def test_after_a_pause_a_few_calls_come_before_their_even_turns(
    world: World, callers: Callers
) -> None:
    pacer = callers.pacer_at(5)
    for _ in range(6):
        pacer.take_turn()
    assert callers.waits == [0, 0, 0, 0, 0.2, 0.4], "three of them early"
    world.clock.time += 0.2
    pacer.take_turn()
    assert callers.waits[-1] == 0.4, "the others stay even"
    world.clock.time += 10
    with pytest.raises(NoTurnError):
        for _ in range(20):
            pacer.take_turn(1.0)
    assert callers.waits[7:] == [0, 0, 0, 0, 0.2, 0.4, 0.6, 0.8, 1.0]


def test_a_turn_that_is_free_just_now_is_taken_at_once(world: World, callers: Callers) -> None:
    callers.set_next(world.clock.time)
    callers.pacer.take_turn()
    assert (callers.waits, callers.next_in()) == ([0], SPACING)


def test_who_would_wait_longer_than_asked_takes_no_turn(world: World, callers: Callers) -> None:
    callers.set_next(world.clock.time + 2)
    with pytest.raises(NoTurnError):
        callers.pacer.take_turn(1.5)
    assert (callers.waits, callers.next_in()) == ([], 2)
    callers.pacer.take_turn(2)
    assert (callers.waits, callers.next_in()) == ([2], 2 + SPACING)


def test_a_turn_by_a_time_comes_before_it_or_not_at_all(world: World, callers: Callers) -> None:
    callers.set_next(world.clock.time + 2)
    with pytest.raises(NoTurnError):
        callers.pacer.take_turn(9, by=world.clock.time + 1.5)
    with pytest.raises(NoTurnError):
        callers.pacer.take_turn(1.5, by=world.clock.time + 9)
    assert (callers.waits, callers.next_in()) == ([], 2)
    callers.oversleeps = 3
    callers.pacer.take_turn(9, by=world.clock.time + 3)
    assert callers.waits == [2]


def test_a_caller_that_wakes_up_too_late_does_not_call(world: World, callers: Callers) -> None:
    callers.oversleeps = 3.5
    with pytest.raises(NoTurnError):
        callers.pacer.take_turn(9, by=world.clock.time + 3)
    assert callers.waits == [0]


@pytest.mark.parametrize("ahead", [NEVER_SECONDS + 1, 1e9])
def test_a_turn_that_nobody_can_have_been_given_is_overwritten(
    world: World, callers: Callers, ahead: float
) -> None:
    callers.set_next(world.clock.time + ahead)
    callers.pacer.take_turn()
    assert (callers.waits, callers.next_in()) == ([0], SPACING)


def test_the_furthest_turn_that_can_have_been_given_is_kept(world: World, callers: Callers) -> None:
    callers.set_next(world.clock.time + NEVER_SECONDS)
    with pytest.raises(NoTurnError):
        callers.pacer.take_turn()
    assert (callers.waits, callers.next_in()) == ([], NEVER_SECONDS)


def test_a_turn_written_with_more_digits_than_ours_is_no_wait_of_less_than_nothing(
    world: World, callers: Callers
) -> None:
    for calls_per_second in range(3, 30):
        callers.set_next(Decimal(world.clock.time) + Decimal("1e-9"))
        callers.pacer_at(calls_per_second).take_turn()
    assert set(callers.waits) == {0}


def test_a_throttled_call_lowers_the_pace_of_everybody_once(world: World, callers: Callers) -> None:
    other = callers.pacer_at(1 / SPACING)
    assert (callers.pacer.slow_down(), other.slow_down()) == (4, None)
    for _ in range(2):
        other.take_turn()
    callers.pacer.take_turn()
    assert callers.waits == [0, 2 * SPACING, 4 * SPACING]
    world.clock.time += SETTLE_SECONDS
    assert other.slow_down() == pytest.approx(2.1), "half of 4, and of what came back in 2 s"


def test_a_caller_learns_the_pace_from_its_own_turn(world: World, callers: Callers) -> None:
    """The first is taken when a turn is free, the second behind it."""
    callers.set_slowdown(4, world.clock.time)
    for _ in range(3):
        callers.pacer.take_turn()
    assert callers.waits == [0, SPACING, 3 * SPACING]


def test_of_two_that_are_throttled_at_once_one_lowers_the_pace(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callers.pacer.slow_down() == 4
    monkeypatch.setattr(callers.table, "get", lambda _key: None)
    assert callers.pacer_at(2).slow_down() is None


def test_a_pace_that_cannot_be_lowered_now_stays(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_key: object) -> None:
        raise TransientError("DynamoDB")

    monkeypatch.setattr(callers.table, "get", fail)
    assert callers.pacer.slow_down() is None


@pytest.mark.parametrize(("ahead", "lowered"), [(NEVER_SECONDS, None), (NEVER_SECONDS + 1, 4)])
def test_a_slowdown_that_nobody_can_have_written_is_none(
    world: World, callers: Callers, ahead: float, lowered: float | None
) -> None:
    callers.set_slowdown(1, world.clock.time + ahead)
    assert callers.pacer.slow_down() == lowered


def test_a_slowdown_without_a_pace_is_none(world: World, callers: Callers) -> None:
    callers.set_slowdown("slow", world.clock.time - 10)
    for _ in range(2):
        callers.pacer.take_turn()
    assert callers.waits == [0, SPACING]
    assert callers.pacer.slow_down() == 4

"""The poll plan, by simulation: delay, calls a job, calls a second."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from random import Random
from statistics import fmean

import pytest

from snapshot_export.domain.durations import Expectation, expect
from snapshot_export.domain.polling import (
    LONGEST_WAIT,
    SHORTEST_WAIT,
    plan_wait,
    poll_chance,
    poll_rate,
    whole_seconds,
)

KNOWN = Expectation(median=40.0, spread=0.15, doubt=0.05, jobs=20)
UNKNOWN = expect(None, 40.0)
CALLS_PER_SECOND = 8.0


def polls_of(
    job_seconds: float, expectation: Expectation, running: int = 12, random: Random | None = None
) -> list[float]:
    """Ages at which a job is polled, the last one at or after its end."""
    age, ages = 0.0, []
    while age < job_seconds:
        age += plan_wait(
            age=age,
            expectation=expectation,
            running=running,
            calls_per_second=CALLS_PER_SECOND,
            phase=random.random() if random else 0.5,
        )
        ages.append(age)
    return ages


def simulate(
    expectation: Expectation, running: int, seconds: float = 900.0, spread: float = 0.15
) -> tuple[float, float, list[int]]:
    """Mean delay, polls a job and calls in each second, when `running` slots never idle."""
    random, delays, polls, jobs = Random(7), [], 0, 0
    calls: Counter[int] = Counter()
    for slot in range(running):
        now = slot / CALLS_PER_SECOND
        while now < seconds:
            job = 40.0 * math.exp(random.gauss(0, spread))
            ages = polls_of(job, expectation, running, random)
            calls.update([int(now), int(now + ages[-1] + 0.3)])  # start and result
            calls.update(int(now + age) for age in ages)
            delays.append(ages[-1] - job)
            polls, jobs = polls + len(ages), jobs + 1
            now += ages[-1] + 0.4
    return fmean(delays), polls / jobs, [calls[second] for second in range(60, int(seconds))]


def test_known_jobs_are_seen_within_half_a_second_of_their_end() -> None:
    delay, polls, _ = simulate(KNOWN, 12)
    assert delay < 0.5
    assert polls < 17


def test_unknown_jobs_are_seen_within_three_seconds_of_their_end() -> None:
    delay, polls, _ = simulate(UNKNOWN, 12)
    assert delay < 3
    assert polls < 19


@pytest.mark.parametrize("running", [1, 12])
@pytest.mark.parametrize("expectation", [KNOWN, UNKNOWN], ids=["known", "unknown"])
def test_the_whole_call_rate_stays_well_under_the_budget(
    running: int, expectation: Expectation
) -> None:
    *_, calls = simulate(expectation, running)
    assert fmean(calls) < 0.75 * CALLS_PER_SECOND


@pytest.mark.parametrize("expectation", [KNOWN, UNKNOWN], ids=["known", "unknown"])
def test_with_a_hundred_slots_the_polls_leave_room_for_starts_and_results(
    expectation: Expectation,
) -> None:
    delay, _, calls = simulate(expectation, 100, seconds=400.0)
    assert fmean(calls) < CALLS_PER_SECOND
    assert delay < 25


def test_the_polls_of_jobs_that_started_together_do_not_fall_together() -> None:
    random = Random(3)
    ages = [polls_of(41.0, KNOWN, random=random)[0] for _ in range(12)]
    assert max(ages) - min(ages) > 1.0


def test_the_first_wait_ends_just_before_the_earliest_likely_end() -> None:
    first = polls_of(40.0, KNOWN)[0]
    assert KNOWN.quantile(0.02) < first < KNOWN.quantile(0.2)


def test_a_job_that_takes_far_longer_than_its_like_is_polled_sparsely() -> None:
    ages = polls_of(4 * 3600.0, KNOWN)
    assert ages[-1] - ages[-2] == LONGEST_WAIT
    assert len(ages) < 400
    between = [b - a for a, b in pairwise(ages)]
    assert len([wait for wait in between if wait < 2.0]) < 80


@pytest.mark.parametrize("age", [0.0, 1.0, 39.0, 400.0, 1e6])
@pytest.mark.parametrize("median", [0.01, 1.0, 40.0, 7200.0])
@pytest.mark.parametrize("running", [0, 1, 12, 1000])
def test_every_wait_is_within_its_bounds(age: float, median: float, running: int) -> None:
    expectation = Expectation(median=median, spread=0.2, doubt=0.1, jobs=3)
    wait = plan_wait(
        age=age, expectation=expectation, running=running, calls_per_second=8, phase=1.0
    )
    assert SHORTEST_WAIT <= wait <= LONGEST_WAIT


def test_more_slots_have_fewer_polls_each() -> None:
    chances = [poll_chance(40.0, running, 8.0) for running in (1, 12, 50, 100)]
    assert chances == sorted(chances)
    assert chances[0] < chances[-1]


def test_the_state_machine_waits_whole_seconds() -> None:
    assert [whole_seconds(wait) for wait in (0.4, 1.0, 7.9)] == [1, 1, 7]


@pytest.mark.parametrize("times", [1.5, 2.0, 4.0])
@pytest.mark.parametrize("median", [7.5, 40.0, 120.0])
def test_a_late_job_is_seen_after_a_tenth_of_its_time_or_as_often_as_the_budget_lets(
    median: float, times: float
) -> None:
    expectation = Expectation(median=median, spread=0.15, doubt=0.05, jobs=20)
    ages = polls_of(times * median, expectation)
    share = 12 / poll_rate(expectation.mean, 12, CALLS_PER_SECOND)
    assert ages[-1] - ages[-2] <= max(0.1 * ages[-2], share) + 0.02

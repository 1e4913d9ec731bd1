"""What is learned of job times, and what is expected from it."""

from __future__ import annotations

import math
from random import Random

import pytest

from snapshot_export.domain.durations import Durations, expect, in_turn, learn


def learned(seconds: list[float]) -> Durations:
    known = None
    for each in seconds:
        known = learn(known, each)
    assert known is not None
    return known


def test_before_anything_is_learned_the_deployments_mean_is_expected_with_much_doubt() -> None:
    expectation = expect(None, 40.0)
    assert expectation.mean == pytest.approx(40.0)
    assert expectation.quantile(0.05) < 12
    assert expectation.quantile(0.95) > 90


def test_one_job_says_more_than_the_default() -> None:
    expectation = expect(learned([100.0]), 40.0)
    assert expectation.median == pytest.approx(100.0)
    assert expectation.deviation < expect(None, 40.0).deviation


@pytest.mark.parametrize("seed", range(5))
def test_median_and_spread_come_near_those_of_the_jobs(seed: int) -> None:
    random = Random(seed)
    expectation = expect(learned([25 * math.exp(random.gauss(0, 0.15)) for _ in range(60)]), 40.0)
    assert expectation.median == pytest.approx(25.0, rel=0.2)
    assert 0.08 < expectation.spread < 0.28


def test_a_change_is_followed_within_a_few_jobs() -> None:
    before = [20.0] * 200
    assert expect(learned([*before, *[60.0] * 5]), 40.0).median > 40
    assert expect(learned([*before, *[60.0] * 15]), 40.0).median == pytest.approx(60, rel=0.05)


def test_one_outlier_widens_the_expectation_and_soon_is_forgotten() -> None:
    at_once = expect(learned([20.0] * 50 + [200.0]), 40.0)
    assert at_once.quantile(0.05) < 20 < at_once.quantile(0.95)
    later = expect(learned([20.0] * 50 + [200.0] + [20.0] * 15), 40.0)
    assert later.median == pytest.approx(20.0, rel=0.1)


def test_survival_and_quantile_are_each_others_inverse() -> None:
    expectation = expect(learned([30.0, 33.0, 28.0]), 40.0)
    for chance in (0.01, 0.3, 0.5, 0.99):
        assert expectation.survival(expectation.quantile(chance)) == pytest.approx(1 - chance)
    assert expectation.survival(0.0) == 1.0


def test_samples_have_the_expected_mean() -> None:
    expectation, random = expect(learned([30.0, 33.0, 28.0]), 40.0), Random(1)
    mean = sum(expectation.sample(random) for _ in range(20_000)) / 20_000
    assert mean == pytest.approx(expectation.mean, rel=0.02)


def test_jobs_one_after_another_take_the_sum_with_its_spread() -> None:
    jobs = [expect(learned([30.0, 40.0, 35.0]), 40.0), expect(learned([60.0, 90.0]), 40.0)]
    whole, random = in_turn(jobs), Random(1)
    sums = [sum(each.sample(random) for each in jobs) for _ in range(20_000)]
    assert whole.mean == pytest.approx(sum(each.mean for each in jobs))
    assert whole.mean == pytest.approx(sum(sums) / len(sums), rel=0.02)
    assert whole.spread < max(each.spread for each in jobs), "single jobs average out"
    assert whole.jobs == 2 and in_turn(jobs[:1]) is jobs[0]
    longer = in_turn([*jobs, jobs[0]], between=5.0)
    assert longer.mean == pytest.approx(in_turn([*jobs, jobs[0]]).mean + 10.0)


def test_a_job_of_no_time_at_all_can_be_learned() -> None:
    assert expect(learned([0.0, 0.0]), 40.0).median > 0

"""The forecast: what is certain comes out exactly, what is doubtful keeps its doubt."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from snapshot_export.domain import simulation
from snapshot_export.domain.backlog import rank_class, rank_of
from snapshot_export.domain.durations import Expectation
from snapshot_export.domain.forecast import (
    EVERYTHING,
    Estimate,
    estimate_ends,
    estimate_proposal,
    groups_of,
    latest_safe_start,
    propose,
)
from snapshot_export.domain.simulation import Group, Proposal, SimulatedJob, Situation, line_up

NOW = 1_800_000_000.0
SURE = Expectation(median=10, spread=1e-6, doubt=1e-6, jobs=50)


def waiting(
    count: int, dashboard: str = "d", *, priority: int = 5, step: float = 2500, **more: Any
) -> list[SimulatedJob]:
    """Jobs of one class, which the four slots take one every 2.5 s."""
    of_class = rank_class(priority=priority, deadline=None, accepted_at=NOW)
    return [
        SimulatedJob(
            export_id=f"{dashboard}-{i}",
            kind=(dashboard, "PDF"),
            rank=rank_of(of_class, 1000 * NOW + i * step, export_id=f"{i:06d}"),
            **more,
        )
        for i in range(count)
    ]


def situation(jobs: list[SimulatedJob], **changes: Any) -> Situation:
    running = changes.pop("running", [])
    expectations = changes.pop("expectations", {("d", "PDF"): SURE})
    values = {"now": NOW, "slots": 4, "overhead": 0.0, "calls_per_second": 1e6} | changes
    return Situation(running=running, waiting=jobs, expectations=expectations, **values)


def seconds(at: Situation, group: Group = EVERYTHING) -> Estimate:
    ends = estimate_ends(at, {"": group})[""].ends
    return Estimate(tuple(end - NOW for end in ends))


@pytest.fixture
def same_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """QuickSight is today as ever, so that equal jobs take equally long."""
    monkeypatch.setattr(simulation, "TODAY_SPREAD", 0.0)


@pytest.mark.usefixtures("same_day")
@pytest.mark.parametrize(("jobs", "expected"), [(1, 10), (4, 10), (5, 20), (8, 20), (9, 30)])
def test_equal_jobs_end_in_waves(jobs: int, expected: float) -> None:
    estimate = seconds(situation(waiting(jobs)))
    assert estimate.p50 == pytest.approx(expected, rel=1e-3)
    assert estimate.p95 == pytest.approx(expected, rel=1e-3)


@pytest.mark.usefixtures("same_day")
def test_slots_are_held_a_while_longer_than_jobs_run_and_pauses_are_waited_for() -> None:
    at = situation(waiting(8), overhead=1e-9, not_before=NOW + 100)
    assert seconds(at).p50 == pytest.approx(120, rel=1e-3)
    held = seconds(situation(waiting(400), overhead=2.0)).p50
    assert held == pytest.approx(100 * 12, rel=0.01)


@pytest.mark.usefixtures("same_day")
def test_a_lowered_limit_drains_first() -> None:
    """Four run and end at 3, 5, 7 and 9 s; two slots are left: the next starts at 7 s."""
    running = [
        SimulatedJob(export_id=f"r{age}", kind=("d", "PDF"), age=float(age)) for age in (7, 5, 3, 1)
    ]
    at = situation(waiting(1), running=running, slots=2)
    first_waiting = Group((4,))
    assert seconds(at, first_waiting).p50 == pytest.approx(17, rel=1e-3)


def test_without_slots_nothing_is_foreseen() -> None:
    assert estimate_ends(situation(waiting(3), slots=0), {"": EVERYTHING}) == {}


@pytest.mark.usefixtures("same_day")
def test_a_retry_takes_its_turn_when_it_is_due() -> None:
    jobs = [*waiting(1, due_at=NOW + 33), *waiting(40)]
    at = line_up(situation(jobs))
    place = at.waiting.index(jobs[0])
    assert 11 <= place <= 14, "three waves of four are admitted before"
    assert 43 <= seconds(at, Group((place,))).p50 <= 50
    alone = line_up(situation(jobs[:1]))
    assert seconds(alone).p50 == pytest.approx(43, rel=1e-3)


@pytest.mark.usefixtures("same_day")
def test_with_many_slots_the_call_rate_bounds_the_pace() -> None:
    at = situation(waiting(800), slots=100, calls_per_second=8.0)
    by_slots, by_calls = 800 / 100 * 10, 100 / 8 + 700 * 3 / 8 + 10
    assert seconds(at).p50 == pytest.approx(by_calls, rel=0.02)
    assert by_calls > 3 * by_slots


def test_a_job_that_runs_longer_than_its_dashboard_ever_took_is_still_awaited() -> None:
    for age in (0.0, 9.0, 30.0, 1000.0):
        job = SimulatedJob(export_id="r", kind=("d", "PDF"), age=age)
        learned = replace(SURE, spread=0.2, doubt=0.05)
        estimate = seconds(situation([], running=[job], expectations={job.kind: learned}))
        assert estimate.p50 > 0 and estimate.p95 < 20 + age


def test_what_is_left_of_a_running_job_is_conditional_on_its_age() -> None:
    """A lognormal with spread 1 that has passed its median: half of what is left of it."""
    learned = Expectation(median=100, spread=1.0, doubt=1e-6, jobs=50)
    job = SimulatedJob(export_id="r", kind=("d", "PDF"), age=100.0)
    found = seconds(situation([], running=[job], expectations={job.kind: learned})).p50
    assert found == pytest.approx(100 * math.exp(0.6745) - 100, rel=0.25)


def test_the_doubt_about_a_dashboard_is_not_averaged_away_over_its_jobs() -> None:
    doubtful = replace(SURE, spread=0.3, doubt=0.3)
    one = seconds(situation(waiting(600), expectations={("d", "PDF"): doubtful}))
    assert one.p95 / one.p50 == pytest.approx(math.exp(1.645 * 0.3), rel=0.05)
    jobs = [job for number in range(60) for job in waiting(10, f"d{number}")]
    many = seconds(situation(jobs, expectations={job.kind: doubtful for job in jobs}))
    assert 1.03 < many.p95 / many.p50 < 1.15, "60 dashboards are not all off the same way"


def test_the_sum_of_far_jobs_is_as_good_as_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    learned = replace(SURE, spread=0.4, doubt=0.1)
    jobs = waiting(5000)
    at = situation(jobs, slots=12, overhead=1.0, expectations={("d", "PDF"): learned})
    single = Group((3000,))
    summed, summed_single = seconds(at), seconds(at, single)
    monkeypatch.setattr(simulation, "WINDOW", 1_000_000)
    exact, exact_single = seconds(at), seconds(at, single)
    for found, wanted in ((summed, exact), (summed_single, exact_single)):
        assert found.p50 == pytest.approx(wanted.p50, rel=0.01)
        assert found.p95 == pytest.approx(wanted.p95, rel=0.02)


def test_the_same_situation_gives_the_same_answer_at_another_time_too() -> None:
    learned = replace(SURE, spread=0.4, doubt=0.1)
    at = situation(waiting(50), expectations={("d", "PDF"): learned})
    later = replace(at, now=NOW + 1000)
    assert seconds(at) == seconds(at)
    assert [end - 1000 for end in seconds(later).ends] == pytest.approx(seconds(at).ends)


def test_each_group_ends_with_its_last_job_and_with_those_that_were_not_read() -> None:
    jobs = [*waiting(20, burst_id="a"), *waiting(20, burst_id="b")]
    at = situation(jobs)
    groups = groups_of(at, lambda job: job.burst_id, {"b": 400})
    found = {name: estimate.p50 - NOW for name, estimate in estimate_ends(at, groups).items()}
    assert found["a"] == pytest.approx(50, rel=0.05)
    assert found["b"] == pytest.approx(1100, rel=0.05)


def test_a_chance_is_the_share_of_draws_that_keep_the_deadline() -> None:
    estimate = Estimate(tuple(float(end) for end in range(1, 101)))
    assert estimate.chance(0.5) == 0 and estimate.chance(25) == 0.25 and estimate.chance(200) == 1
    assert estimate.p50 == pytest.approx(50.5) and estimate.p95 == pytest.approx(95.5)
    assert Estimate((7.0,)).p50 == Estimate((7.0,)).p95 == 7.0


def proposal(at: Situation, start: float, *, priority: int = 5, count: int = 40) -> Proposal:
    jobs = [SimulatedJob(export_id=f"p{i}", kind=("d", "PDF")) for i in range(count)]
    of_class = rank_class(priority=priority, deadline=None, accepted_at=NOW)
    return propose(at, jobs, start, of_class)


def p50_of(at: Situation, start: float, **more: Any) -> float:
    estimate = estimate_proposal(at, proposal(at, start, **more))
    assert estimate
    return estimate.p50 - NOW


def test_a_proposal_goes_before_a_lower_class_behind_a_higher_and_shares_with_its_own() -> None:
    at = situation(waiting(400))
    assert p50_of(at, NOW, priority=1) == pytest.approx(100, rel=0.03)
    assert p50_of(at, NOW, priority=5) == pytest.approx(200, rel=0.05)
    assert p50_of(at, NOW, priority=9) == pytest.approx(1100, rel=0.03)


def test_a_proposal_that_starts_later_finds_less_before_it() -> None:
    at = situation(waiting(400))
    for priority in (1, 5, 9):
        assert p50_of(at, NOW + 5000, priority=priority) == pytest.approx(5100, rel=0.01)
    assert p50_of(at, NOW + 500, priority=1) == pytest.approx(607, rel=0.03)
    assert p50_of(at, NOW + 500, priority=5) == pytest.approx(705, rel=0.03)
    assert p50_of(at, NOW + 500, priority=9) == pytest.approx(1100, rel=0.03)


def test_a_proposal_that_shares_the_slots_ends_with_its_own_last_job() -> None:
    found = proposal(situation(waiting(400)), NOW, count=3)
    assert [found.jobs[index].export_id for index in found.own] == ["p0", "p1", "p2"]
    assert len(found.jobs) == found.own[-1] + 1
    assert [job.export_id for job in found.alone().jobs] == ["p0", "p1", "p2"]


@pytest.mark.parametrize("jobs", [0, 400, 6000])
@pytest.mark.parametrize("priority", [1, 5, 9])
def test_the_latest_safe_start_is_safe_and_no_much_later_one_is(jobs: int, priority: int) -> None:
    learned = replace(SURE, spread=0.3, doubt=0.1)
    at = situation(waiting(jobs), expectations={("d", "PDF"): learned})

    def proposal_at(start: float) -> Proposal:
        return proposal(at, start, priority=priority)

    def p95_of(start: float) -> float:
        estimate = estimate_proposal(at, proposal_at(start))
        assert estimate
        return estimate.p95

    needed = p95_of(NOW) - NOW
    assert latest_safe_start(at, proposal_at, NOW + needed / 2) is None
    deadline = NOW + 2 * needed
    start = latest_safe_start(at, proposal_at, deadline)
    assert start and p95_of(start) <= deadline
    assert p95_of(start + 0.03 * (deadline - NOW)) > deadline

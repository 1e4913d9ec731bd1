"""Order, waits, retries, names and job ids."""

from __future__ import annotations

import pytest

from snapshot_export.domain.backlog import front_rank, rank_of
from snapshot_export.domain.export import Attempt, snapshot_job_id
from snapshot_export.domain.polling import LONGEST_WAIT, POLL_SHARE, plan_wait
from snapshot_export.domain.retry import PASSING, PERMANENT, judge_failure


def rank(export_id: str, priority: int = 5, deadline: float | None = None, at: float = 1.0) -> str:
    return rank_of(priority=priority, deadline=deadline, accepted_at=at, export_id=export_id)


def test_ranks_sort_by_priority_then_deadline_then_age() -> None:
    ordered = [
        front_rank(rank("handed-back", priority=9)),
        rank("urgent", priority=1, at=9.0),
        rank("soon", deadline=100.0, at=9.0),
        rank("later", deadline=2_000_000_000.0, at=1.0),
        rank("old", at=2.0),
        rank("new", at=1_800_000_000.0),
    ]
    assert ordered == sorted(ordered)


def test_a_deadline_before_1970_or_after_2286_still_sorts() -> None:
    assert rank("a", deadline=-5.0) < rank("b", deadline=1.0) < rank("c", deadline=1e12)


def waits(job_seconds: float, expected: float, running: int = 12) -> list[int]:
    age, taken = 0.0, []
    while age < job_seconds:
        wait = plan_wait(age=age, expected_seconds=expected, running=running, calls_per_second=8)
        taken.append(wait)
        age += wait
    return taken


def test_the_first_poll_waits_for_a_share_of_the_expected_time() -> None:
    assert waits(40, 40)[0] == 16


def test_polls_of_all_slots_together_stay_in_their_share_of_the_budget() -> None:
    for running in (12, 50, 100):
        spacing = min(waits(600, 40, running)[1:])
        assert running / spacing <= 8 * POLL_SHARE * 1.02


def test_a_long_job_is_polled_sparsely() -> None:
    assert waits(4 * 3600, 40)[-1] == LONGEST_WAIT
    assert len(waits(4 * 3600, 40)) < 300


def test_a_wait_is_at_least_a_second_whatever_is_expected() -> None:
    assert plan_wait(age=0.0, expected_seconds=0.1, running=1, calls_per_second=8) == 1


@pytest.mark.parametrize("error_type", sorted(PERMANENT))
def test_errors_that_do_not_pass_are_never_tried_again(error_type: str) -> None:
    assert not judge_failure(error_type, 1).again


@pytest.mark.parametrize("error_type", sorted(PASSING))
def test_errors_that_pass_are_tried_three_times(error_type: str) -> None:
    assert [judge_failure(error_type, attempt).again for attempt in (1, 2, 3)] == [
        True,
        True,
        False,
    ]


def test_unknown_errors_are_tried_once_more() -> None:
    assert [judge_failure("SOMETHING_NEW", attempt).again for attempt in (1, 2)] == [True, False]


def test_a_job_id_is_of_its_export_attempt_and_content() -> None:
    one = snapshot_job_id("e", 1, "abcdef0123456789")
    assert one == "e-1-abcdef012345"
    assert len(snapshot_job_id("e" * 64, 3, "f" * 64)) <= 512
    assert one != snapshot_job_id("e", 2, "abcdef0123456789")


def test_an_execution_name_fits_step_functions() -> None:
    attempt = Attempt(
        export_id="e" * 64,
        attempt=3,
        admission=99_999,
        dashboard_id="d",
        snapshot_job_id="j",
        admitted_at=0.0,
        start_by=0.0,
        restarts=9_999,
    )
    assert len(attempt.execution_name) <= 80

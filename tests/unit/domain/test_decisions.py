"""Retries, names and job ids."""

from __future__ import annotations

import pytest

from snapshot_export.domain.export import Attempt, snapshot_job_id
from snapshot_export.domain.retry import PASSING, PERMANENT, judge_failure


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

"""When an export will probably end."""

from __future__ import annotations

import pytest

from snapshot_export.domain.forecast import expect_end_of_running, expect_end_of_waiting


def test_a_running_export_ends_after_a_jobs_time_and_never_in_the_past() -> None:
    assert expect_end_of_running(admitted_at=100, job_seconds=40, now=110) == 140
    assert expect_end_of_running(admitted_at=100, job_seconds=40, now=200) == 200


@pytest.mark.parametrize(
    ("place", "running", "end"),
    [(1, 0, 140), (12, 0, 140), (3, 12, 150), (12, 12, 180), (24, 12, 220), (3, 20, 150)],
)  # fmt: skip
def test_who_waits_ends_after_those_before_it(place: int, running: int, end: float) -> None:
    expected = expect_end_of_waiting(
        place=place, running=running, limit=12, job_seconds=40, not_before=100
    )
    assert expected == pytest.approx(end)


def test_nothing_ends_while_nothing_is_let_in() -> None:
    assert (
        expect_end_of_waiting(place=1, running=0, limit=0, job_seconds=40, not_before=100) is None
    )

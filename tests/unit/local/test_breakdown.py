"""Lost seconds: each is accounted for, in its part, without a rest."""

from __future__ import annotations

import random
from typing import Any

import pytest

from local.breakdown import DESCRIBE, RESULT, START, Job, break_down, find_bound, read_jobs


def job(started: float, ended: float, seen: float, drawn: float | None = None) -> Job:
    return Job(started=started, ended=ended, seen=seen, drawn=drawn or ended - started)


def call(time: float, operation: str, job_id: str, **changes: Any) -> dict[str, Any]:
    plain = {"outcome": "OK", "lost": False, "running": 1}
    return {"time": time, "operation": operation, "SnapshotJobId": job_id, **plain, **changes}


def test_the_bound_is_the_shared_work_or_the_longest_job() -> None:
    assert find_bound([4.0, 4.0, 4.0], 2) == 6.0
    assert find_bound([9.0, 1.0, 1.0], 2) == 9.0
    assert find_bound([], 2) == 0.0


def test_each_part_of_a_hand_made_row_is_told() -> None:
    jobs = [
        job(1.0, 11.5, 12.0, drawn=10.0),  # slot a: filled after 1 s, QuickSight 0.5 s late
        job(2.0, 22.0, 23.0),  # slot b: filled after 2 s
        job(12.3, 22.3, 24.3),  # slot a: seen 0.5 s after the end, started 0.3 s after that
    ]
    lost = break_down(jobs, slots=2, sent_at=0.0, finished_at=25.3)
    assert lost.fill == pytest.approx((1 + 2) / 2)
    assert lost.late_end == pytest.approx(0.5 / 2)
    assert lost.poll == pytest.approx((0.5 + 1.0 + 2.0) / 2)
    assert lost.hand_off == pytest.approx(0.3 / 2)
    assert lost.tail == pytest.approx((24.3 - 23.0) / 2)
    assert lost.closing == pytest.approx(1.0)
    assert lost.total == pytest.approx(25.3 - (10 + 20 + 10) / 2)


def test_a_start_before_the_end_was_seen_ends_the_delay_of_the_poll() -> None:
    jobs = [job(0.0, 10.0, 14.0), job(11.0, 21.0, 21.0)]
    lost = break_down(jobs, slots=1, sent_at=0.0, finished_at=21.0)
    assert (lost.poll, lost.hand_off) == (1.0, 0.0)
    assert lost.total == pytest.approx(21.0 - 20.0)


def test_slots_that_were_never_needed_count_as_tail() -> None:
    lost = break_down([job(0.0, 10.0, 10.0)], slots=4, sent_at=0.0, finished_at=10.0)
    assert lost.tail == pytest.approx(3 * 10 / 4)
    assert lost.total == pytest.approx(10.0 - 10.0 / 4)


def test_more_jobs_than_slots_are_an_error() -> None:
    with pytest.raises(ValueError, match="more jobs"):
        break_down([job(0, 9, 9), job(1, 9, 9)], slots=1, sent_at=0.0, finished_at=9.0)


@pytest.mark.parametrize("seed", range(20))
def test_the_parts_of_any_row_add_up_to_its_lost_seconds(seed: int) -> None:
    dice = random.Random(seed)
    slots, now = 3, 100.0
    free_at: list[float] = []
    jobs: list[Job] = []
    for number in range(40):
        if number >= slots:
            free_at.sort()
            now = max(now, free_at.pop(0))
        now += dice.uniform(0.0, 0.4)
        drawn = dice.uniform(1.0, 9.0)
        ended = now + drawn + dice.uniform(0.0, 0.2)
        seen = ended + dice.uniform(0.0, 2.0)
        jobs.append(job(now, ended, seen, drawn))
        free_at.append(dice.choice([ended, seen]))
    finished = max(each.seen for each in jobs) + 1.5
    lost = break_down(jobs, slots=slots, sent_at=99.0, finished_at=finished)
    assert lost.total == pytest.approx(finished - 99.0 - sum(each.drawn for each in jobs) / slots)
    assert min(lost.fill, lost.late_end, lost.poll, lost.hand_off, lost.tail, lost.closing) >= 0


def test_a_job_is_seen_by_the_first_answered_call_after_its_end() -> None:
    ledger = {
        "jobs": [
            {"SnapshotJobId": "a-1", "created": 5.0, "ended": 15.0, "seconds": 9.5},
            {"SnapshotJobId": "a-2", "created": 6.0, "ended": None, "seconds": 90.0},
            {"SnapshotJobId": "b-1", "created": 1.0, "ended": 2.0, "seconds": 1.0},
        ],
        "calls": [
            call(14.0, DESCRIBE, "a-1"),
            call(15.5, START, "a-1", outcome="ResourceExistsException"),
            call(15.6, DESCRIBE, "a-1", outcome="ThrottlingException"),
            call(15.7, DESCRIBE, "a-1", lost=True),
            call(16.0, DESCRIBE, "a-1"),
            call(17.0, DESCRIBE, "a-1"),
            call(1.9, RESULT, "b-1", outcome="PreconditionNotMetException"),
            call(2.3, RESULT, "b-1"),
        ],
    }
    assert read_jobs(ledger, "a-") == [Job(started=5.0, ended=15.0, seen=16.0, drawn=9.5)]
    assert [each.seen for each in read_jobs(ledger)] == [2.3, 16.0]

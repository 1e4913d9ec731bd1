"""The others do what their names say, against a QuickSight of a few lines."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bench.alternatives import POLL_SECONDS, SLOTS
from bench.alternatives.retry_loop import MAX_BACK_OFF_SECONDS, run_retry_loop
from bench.alternatives.waves import run_waves


class FakeQuickSight:
    """Runs jobs of so many polls each; refuses what is over the limit, and some calls first."""

    def __init__(self, polls: dict[str, int], refuse: tuple[str, ...] = ()) -> None:
        self.left: dict[str, int] = {}
        self.peak = 0
        self.told: list[str] = []
        self._polls = polls
        self._refusals = list(refuse)
        self._lock = threading.Lock()

    def start_dashboard_snapshot_job(self, **start: Any) -> None:
        with self._lock:
            if self._refusals:
                self._fail(self._refusals.pop(0))
            if sum(left > 0 for left in self.left.values()) >= SLOTS:
                self._fail("LimitExceededException")
            self.left[start["SnapshotJobId"]] = self._polls[start["SnapshotJobId"]]
            self.peak = max(self.peak, sum(left > 0 for left in self.left.values()))
            self.told.append(f"start {start['SnapshotJobId']}")

    def describe_dashboard_snapshot_job(self, **ids: Any) -> dict[str, str]:
        assert set(ids) == {"AwsAccountId", "DashboardId", "SnapshotJobId"}
        with self._lock:
            job = ids["SnapshotJobId"]
            self.left[job] -= 1
            if self.left[job] > 0:
                return {"JobStatus": "RUNNING"}
            self.told.append(f"end {job}")
            return {"JobStatus": "COMPLETED"}

    def _fail(self, code: str) -> None:
        raise ClientError({"Error": {"Code": code, "Message": ""}}, "Start")


def starts(count: int) -> list[dict[str, Any]]:
    return [
        {"AwsAccountId": "1", "DashboardId": "d", "SnapshotJobId": f"j{n}", "More": {}}
        for n in range(count)
    ]


def test_a_wave_begins_when_the_last_of_the_one_before_has_ended() -> None:
    jobs = starts(SLOTS + 2)
    polls = {job["SnapshotJobId"]: 1 + n % 5 for n, job in enumerate(jobs)}
    quicksight = FakeQuickSight(polls)
    slept: list[float] = []
    run_waves(quicksight, jobs, sleep=slept.append)
    first_of_second = quicksight.told.index(f"start j{SLOTS}")
    assert sum(told.startswith("end") for told in quicksight.told[:first_of_second]) == SLOTS
    assert quicksight.peak == SLOTS
    assert sum(told.startswith("end") for told in quicksight.told) == len(jobs)
    assert slept == [POLL_SECONDS] * (5 + max(polls["j12"], polls["j13"]))


def test_a_retry_loop_takes_refusals_and_runs_everything() -> None:
    jobs = starts(30)
    refuse = ("ThrottlingException",) * 3 + ("LimitExceededException",) * 2
    quicksight = FakeQuickSight({job["SnapshotJobId"]: 2 for job in jobs}, refuse)
    slept: list[float] = []
    run_retry_loop(quicksight, jobs, sleep=slept.append)
    assert sum(told.startswith("end") for told in quicksight.told) == len(jobs)
    assert quicksight.peak <= SLOTS
    assert max(slept) <= MAX_BACK_OFF_SECONDS
    assert slept.count(POLL_SECONDS) == 2 * len(jobs)


def test_a_retry_loop_does_not_repeat_what_can_never_work() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        run_retry_loop(
            FakeQuickSight({"j0": 1}, ("AccessDeniedException",)),
            starts(1),
            sleep=lambda _seconds: None,
        )

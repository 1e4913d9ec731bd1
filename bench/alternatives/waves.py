"""Waves: start as many as the limit allows, wait for all of them, then the next.

It is what AWS's documentation tells for a deadline: run 12 jobs, time them, multiply. One process;
botocore's own retries with back-off take care of ThrottlingException.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from bench.alternatives import ENDED, POLL_SECONDS, SLOTS


def run_waves(
    quicksight: Any,
    starts: Sequence[dict[str, Any]],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Run every start to its job's end. `quicksight` is a boto3 client."""
    for first in range(0, len(starts), SLOTS):
        wave = starts[first : first + SLOTS]
        for start in wave:
            quicksight.start_dashboard_snapshot_job(**start)
        left = [{name: start[name] for name in _IDS} for start in wave]
        while left:
            sleep(POLL_SECONDS)
            left = [ids for ids in left if not _has_ended(quicksight, ids)]


_IDS = ("AwsAccountId", "DashboardId", "SnapshotJobId")


def _has_ended(quicksight: Any, ids: dict[str, str]) -> bool:
    return quicksight.describe_dashboard_snapshot_job(**ids)["JobStatus"] in ENDED

"""A retry loop: everybody starts at once, and who is refused backs off and tries again.

One process with a thread for each export, as a script with a pool or a set of workers has. The
back-off is exponential with full jitter, from 1 s to `MAX_BACK_OFF_SECONDS` ("Exponential Backoff
And Jitter", AWS Architecture Blog); throttling is met the same way.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from bench.alternatives import ENDED, POLL_SECONDS

MAX_BACK_OFF_SECONDS = 30.0
_PASSING = ("LimitExceededException", "ThrottlingException")


def run_retry_loop(
    quicksight: Any,
    starts: Sequence[dict[str, Any]],
    *,
    sleep: Callable[[float], None] = time.sleep,
    seed: int = 7,
) -> None:
    """Run every start to its job's end. `quicksight` is a boto3 client."""
    with ThreadPoolExecutor(len(starts)) as pool:
        for done in [
            pool.submit(_run, quicksight, start, sleep, random.Random(seed + number))
            for number, start in enumerate(starts)
        ]:
            done.result()


def _run(
    quicksight: Any, start: dict[str, Any], sleep: Callable[[float], None], dice: random.Random
) -> None:
    tries = 0
    while not _is_taken(quicksight.start_dashboard_snapshot_job, start):
        sleep(dice.uniform(0.0, min(MAX_BACK_OFF_SECONDS, 2.0**tries)))
        tries += 1
    ids = {name: start[name] for name in ("AwsAccountId", "DashboardId", "SnapshotJobId")}
    status = ""
    while status not in ENDED:
        sleep(POLL_SECONDS)
        try:
            status = quicksight.describe_dashboard_snapshot_job(**ids)["JobStatus"]
        except ClientError as error:
            if error.response["Error"]["Code"] not in _PASSING:
                raise


def _is_taken(start_job: Callable[..., Any], start: dict[str, Any]) -> bool:
    try:
        start_job(**start)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _PASSING:
            raise
        return False
    return True

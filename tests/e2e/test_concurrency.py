"""An account whose Lambda runs 10 invocations at a time, as new accounts do."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from local.account import WorkerBound
from local.cloud import LocalCloud
from local.deployed import Deployed
from local.testing import TEST_QUICKSIGHT, expected_of
from tests.support.messages import message

CONCURRENCY, EXPORTS = 10, 60
MEASURED = WorkerBound(per_function=CONCURRENCY, polling=CONCURRENCY, total=CONCURRENCY)
"""Nothing waits inside the account: what is over the concurrency is refused."""


def count_throttles(stack: Deployed) -> int:
    """Invocations that state machines were refused."""
    states, machine = stack.client("stepfunctions"), stack.outputs["StateMachineArn"]
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
    found = 0
    for execution in (each for page in pages for each in page["executions"]):
        history = states.get_paginator("get_execution_history").paginate(
            executionArn=execution["executionArn"]
        )
        found += sum(
            "Lambda.TooManyRequestsException" in str(event)
            for page in history
            for event in page["events"]
        )
    return found


@pytest.mark.nightly
def test_exports_end_where_lambda_refuses_what_is_over_ten_at_a_time(tmp_path: Path) -> None:
    with LocalCloud(
        tmp_path,
        quicksight=TEST_QUICKSIGHT,
        workers=MEASURED,
        lambda_concurrency=CONCURRENCY,
    ) as cloud:
        stack = cloud.deploy(expected_of(TEST_QUICKSIGHT))
        ids = [f"of-many-{number:02d}" for number in range(EXPORTS)]
        stack.send(*[message(each) for each in ids])
        ends = Counter(stack.wait_for_export(each, 300)["status"] for each in ids)
        assert ends == {"COMPLETED": EXPORTS}
        assert count_throttles(stack) > 0, "the account was never short of concurrency"
        jobs = stack.ledger()["jobs"]
        assert len(jobs) == len({job["SnapshotJobId"].rsplit("-", 2)[0] for job in jobs}) == EXPORTS

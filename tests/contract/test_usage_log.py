"""What the embedded account logs as used is what was used, and the semaphore machine runs on it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bench.alternatives.semaphore import deploy_semaphore, run_semaphore
from bench.arena import SEMAPHORE, Arena
from bench.prices import Counts, count_usage
from bench.requests import as_start, make_requests
from local.account.environment import ACCOUNT, REGION

JOBS = 14
TABLE = "bench-table"


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    folder: Path = tmp_path_factory.mktemp("arena")
    with Arena(folder, (SEMAPHORE,), scale=0.02, seed=7, wait_scale=0.02) as running:
        yield running


def count(arena: Arena, prefix: str) -> Counts:
    return count_usage(arena.usage(), prefixes=(prefix,), since=0.0, until=float("inf"))


def test_writes_reads_and_refusals_are_counted_in_items_and_units(arena: Arena) -> None:
    client: Any = arena.aws.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    put = {"TableName": TABLE, "Item": {"pk": {"S": "a"}, "text": {"S": "x" * 1500}}}
    answer = client.put_item(**put)
    assert "ConsumedCapacity" not in answer
    assert "ConsumedCapacity" in client.put_item(**put, ReturnConsumedCapacity="TOTAL")
    once = {"ConditionExpression": "attribute_not_exists(pk)"}
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        client.put_item(**put, **once)
    small = {"Put": {"TableName": TABLE, "Item": {"pk": {"S": "b"}}} | once}
    other = {"Put": {"TableName": TABLE, "Item": {"pk": {"S": "c"}}}}
    client.transact_write_items(TransactItems=[small, other])
    with pytest.raises(ClientError, match="TransactionCanceled"):
        client.transact_write_items(TransactItems=[small, other])
    client.get_item(TableName=TABLE, Key={"pk": {"S": "a"}}, ConsistentRead=True)
    counts = count(arena, TABLE)
    assert (counts.writes, counts.refused_writes) == (3 + 2 + 2, 1 + 2)
    assert counts.usage.write_units == 2 + 2 + 1 + 4 + 4
    assert counts.usage.read_units == 1.0


@pytest.mark.nightly
def test_the_semaphore_runs_every_job_under_the_limit_and_its_waiters_pay(arena: Arena) -> None:
    deployed, name = arena.deployed(SEMAPHORE), "bench-gate"
    arena.make_bucket(name)
    states = deployed.client("stepfunctions")
    machine = deploy_semaphore(name, deployed.client("dynamodb"), states, account=ACCOUNT)
    jobs = [
        as_start(body, account=ACCOUNT, region=REGION, bucket=name, job_id=f"j{number}")
        for number, body in enumerate(make_requests(JOBS))
    ]
    run_semaphore(states, machine, jobs)
    ledger = deployed.ledger()
    assert [job["status"] for job in ledger["jobs"]] == ["COMPLETED"] * JOBS
    assert ledger["summary"]["peak_running"] <= 12
    assert ledger["summary"]["limit_exceeded"] == 0
    item = deployed.client("dynamodb").scan(TableName=name)["Items"][0]
    assert item == {"LockName": {"S": "quicksight-snapshot-jobs"}, "currentlockcount": {"N": "0"}}
    counts, entered = count(arena, name), 0
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
    for execution in (each for page in pages for each in page["executions"]):
        history = states.get_paginator("get_execution_history").paginate(
            executionArn=execution["executionArn"]
        )
        events = [event["type"] for page in history for event in page["events"]]
        entered += sum(event.endswith("StateEntered") for event in events)
    assert counts.transitions - counts.retries == entered >= 6 * JOBS
    assert counts.retries > 0 and counts.refused_writes > 0
    assert counts.writes - counts.refused_writes == 2 * JOBS + 1
    assert counts.usage.bucket_writes >= JOBS

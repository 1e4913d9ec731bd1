"""What tells exports of one id apart: those of the past, of another deployment, of another body."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from local.quicksight import QuickSightServer
from snapshot_export.adapters.table.dynamodb import delete_of
from snapshot_export.domain.export import Attempt, Status
from snapshot_export.errors import TransientError
from tests.support.api import call_api
from tests.support.bursts import burst, recipient
from tests.support.messages import message
from tests.support.world import START_TIME, Clock, World, make_bucket

MONTH_SECONDS = 31 * 86_400.0


def jobs_of(world: World) -> list[str]:
    jobs = world.ledger()["jobs"]
    assert {job["starts"] for job in jobs} <= {1}
    return [job["SnapshotJobId"] for job in jobs]


def to_a_shared_bucket(export_id: str) -> dict[str, Any]:
    body = message(export_id)
    bucket = {"BucketName": "allowed-bucket", "BucketPrefix": "all", "BucketRegion": "us-east-1"}
    body["SnapshotConfiguration"]["DestinationConfiguration"] = {
        "S3Destinations": [{"BucketConfiguration": bucket}]
    }
    return body


def test_two_deployments_of_one_account_have_a_job_each_for_one_id_and_body(
    world: World, aws: boto3.Session, quicksight_server: QuickSightServer, shared_clock: Clock
) -> None:
    make_bucket(aws, "allowed-bucket")
    other = World(aws, quicksight_server, shared_clock)
    for each in (world, other):
        each.send(to_a_shared_bucket("monthly"))
        each.driver.run()
        assert each.export("monthly").status is Status.COMPLETED
    assert len(set(jobs_of(world))) == 2


def forget(world: World, export_id: str) -> None:
    """As the table does once the record has expired."""
    world.services.store._table.write(delete_of(world.keys.export(export_id)))


def test_an_id_of_the_past_has_a_job_and_an_execution_of_its_own(world: World) -> None:
    """QuickSight still knows the job of then, Step Functions the execution's name."""
    world.send(message("monthly"))
    world.driver.run()
    forget(world, "monthly")
    world.clock.sleep(MONTH_SECONDS)
    world.switch(
        "raise_exception",
        SnapshotJobId="monthly-",
        Operation="StartDashboardSnapshotJob",
        Exception="LimitExceededException",
    )
    world.send(message("monthly"))
    world.driver.run()
    export = world.export("monthly")
    assert export.status is Status.COMPLETED
    assert len(set(jobs_of(world))) == 2, "last month's job was taken for this one's"
    assert all(lease.admitted_at > START_TIME + MONTH_SECONDS for lease in export.leases)
    assert not [name for name in world.driver.ends if "-r" in name], "nobody watched the export"


def test_ids_of_an_export_keep_its_nonce_whatever_happens_to_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced: list[str] = []

    def put_events(Entries: list[dict[str, Any]]) -> dict[str, int]:
        announced.append(json.loads(Entries[0]["Detail"])["EventId"])
        return {"FailedEntryCount": 0}

    monkeypatch.setattr(world.services.events._client, "put_events", put_events)
    world.switch(
        "raise_exception",
        SnapshotJobId="kept-",
        Operation="StartDashboardSnapshotJob",
        Exception="LimitExceededException",
    )
    world.switch("fail_job", SnapshotJobId="kept-1", ErrorType="INTERNAL_FAILURE")
    world.send(message("kept"))
    nonce = world.export("kept").nonce
    world.send(message("kept"))
    world.driver.run(until=world.clock.now() + 30)
    world.driver.abort("kept")
    world.driver.run()

    export = world.export("kept")
    assert (export.status, export.nonce, export.attempt) == (Status.COMPLETED, nonce, 2)
    assert export.admission > 2, "it was handed back, and admitted again"
    assert jobs_of(world) == [f"kept-1-{nonce}", f"kept-2-{nonce}"]
    assert all(nonce in name for name in world.driver.ends)
    assert any(f"{nonce}-r1" in name for name in world.driver.ends), "one was begun anew"
    assert announced == [f"kept-{nonce}"]


def test_an_execution_that_ended_under_its_name_is_not_taken_for_one_that_runs(
    world: World,
) -> None:
    attempt = Attempt(
        export_id="e",
        attempt=1,
        admission=1,
        dashboard_id="d",
        snapshot_job_id="e-1-n",
        admitted_at=0.0,
        start_by=0.0,
        nonce="n",
    )
    world.executions.start(attempt, "default")
    world.executions.start(attempt, "default")
    assert world.executions.is_running(attempt.execution_name)
    arn, _ = world.executions.started[0]
    world.session.client("stepfunctions").stop_execution(executionArn=arn)
    with pytest.raises(TransientError, match="ExecutionAlreadyExists"):
        world.executions.start(attempt, "default")


def test_a_conflict_names_the_id_and_when_it_was_taken(world: World) -> None:
    world.send(message("taken"))
    world.send({"Burst": burst("burst", [recipient(1)])})
    world.clock.sleep(60)
    single = call_api(world.services, "POST", "/exports", message("taken", Priority=1))
    several = call_api(world.services, "POST", "/bursts", burst("burst", [recipient(2)]))
    assert [single.status, several.status] == [409, 409]
    at = "accepted at 2027-01-15T08:00:00Z"
    assert single.body["Message"] == f"ExportId taken already names another request, {at}"
    assert several.body["Message"] == f"BurstId burst already names another burst, {at}"


def test_recipients_are_kept_once_however_often_their_burst_is_delivered(world: World) -> None:
    for _ in range(2):
        world.send({"Burst": burst("burst", [recipient(1)])})
    world.send({"Burst": burst("burst", [recipient(2)])})
    world.driver.run()
    kept = world.services.bursts.find("burst")
    assert kept and (kept.completed, kept.refused) == (1, 0)
    listed = world.session.client("s3").list_objects_v2(
        Bucket=world.settings.export_bucket, Prefix="bursts/burst/recipients-"
    )
    assert [each["Key"] for each in listed["Contents"]] == [
        f"bursts/burst/recipients-{kept.nonce}.jsonl"
    ]

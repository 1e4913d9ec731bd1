"""Bursts on the deployed stack: a list of customers in S3 becomes files of each, and one event."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from local.account.environment import REGION
from local.deployed import Deployed
from snapshots.api import Api
from snapshots.connection import Account
from tests.support.bursts import burst, template
from tests.support.messages import visuals_group
from tests.support.queues import make_queue_for
from tests.support.rows import customers_in

CUSTOMERS = range(41, 61)
WRONG = {45, 52}


@pytest.fixture
def completions(deployed: Deployed) -> Iterator[str]:
    """A queue that gets the completion events of bursts; answers its address."""
    sqs, events = deployed.client("sqs"), deployed.client("events")
    name = f"completions-{uuid.uuid4().hex[:8]}"
    url, arn = make_queue_for(sqs, "events", name)
    pattern = {"source": ["snapshot-export"], "detail-type": ["Snapshot Burst Completed"]}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    yield url
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=url)


def completion_of(deployed: Deployed, url: str, burst_id: str, timeout: float = 90) -> Any:
    """The one event of this burst; it may come twice, as flows/burst/close.py says."""
    found: list[Any] = []
    deadline = time.monotonic() + timeout
    while not found:
        assert time.monotonic() < deadline, state_of(deployed, burst_id)
        found = take(deployed, url, burst_id, wait=1)
    found += take(deployed, url, burst_id, wait=0)
    assert all(each == found[0] for each in found), "a second event"
    return found[0]


def state_of(deployed: Deployed, burst_id: str) -> str:
    """What is known of a burst that does not come to its end."""
    rejected = deployed.client("sqs").receive_message(
        QueueUrl=deployed.outputs["RejectedQueueUrl"], MessageAttributeNames=["All"]
    )
    reasons = [each["MessageAttributes"]["Reason"] for each in rejected.get("Messages", [])]
    return f"{burst_id}: {burst_record(deployed, burst_id)}, rejected: {reasons}"


def take(deployed: Deployed, url: str, burst_id: str, wait: int) -> list[Any]:
    answer = deployed.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait
    )
    details = [json.loads(message["Body"])["detail"] for message in answer.get("Messages", [])]
    return [detail for detail in details if detail["BurstId"] == burst_id]


def burst_record(deployed: Deployed, burst_id: str) -> dict[str, Any]:
    answer = deployed.client("dynamodb").get_item(
        TableName=deployed.outputs["TableName"],
        Key={"pk": {"S": f"BURST#{burst_id}"}, "sk": {"S": "BURST"}},
        ConsistentRead=True,
    )
    item: dict[str, Any] = answer.get("Item", {})
    return {name: next(iter(value.values())) for name, value in item.items()}


def jobs_of(deployed: Deployed, prefix: str) -> list[str]:
    jobs = [job["SnapshotJobId"] for job in deployed.ledger()["jobs"]]
    return [job for job in jobs if job.startswith(prefix)]


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.1)


def read(deployed: Deployed, uri: str) -> bytes:
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    content: bytes = deployed.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def api(deployed: Deployed) -> Api:
    session = boto3.Session("test", "test", region_name=REGION)
    return Api(
        deployed.api_url,
        Account(session=session, region=REGION, endpoint_url=deployed.endpoint_url),
    )


def test_a_csv_of_customers_becomes_files_of_each_and_one_event(
    deployed: Deployed, completions: str
) -> None:
    lines = ["RecipientId,Name,tag:customer_id"]
    for number in CUSTOMERS:
        tag = "" if number in WRONG else f"cust-{number:04d}"
        lines.append(f'{number},"{{recipient}}/{number}, lines",{tag}')
    bucket = deployed.outputs["ExportBucketName"]
    deployed.client("s3").put_object(
        Bucket=bucket, Key="manifests/morning.csv", Body="\r\n".join(lines).encode()
    )
    manifest = {"S3Uri": f"s3://{bucket}/manifests/morning.csv", "Format": "CSV"}
    body = template(groups=[visuals_group("CSV", "lines")])
    deployed.send({"Burst": burst("morning", Template=body, Manifest=manifest)})

    event = completion_of(deployed, completions, "morning")

    counts = {"Total": 20, "Accepted": 18, "Refused": 2}
    counts |= {"Completed": 18, "Failed": 0, "Cancelled": 0}
    assert event["Status"] == "COMPLETED_WITH_FAILURES" and event["Counts"] == counts
    listed = json.loads(read(deployed, event["ManifestS3Uri"]))
    assert listed["Counts"] == counts
    assert [each["Line"] for each in listed["Refused"]] == [6, 13]
    refusals = api(deployed).get("bursts", "morning")["Refusals"]
    assert refusals == listed["Refused"]
    expected = [str(number) for number in CUSTOMERS if number not in WRONG]
    assert [file["RecipientId"] for file in listed["Files"]] == expected
    for file in listed["Files"]:
        number = file["RecipientId"]
        assert file["S3Uri"].endswith(f"/exports/morning/{number}/{number}, lines.csv")
        content = read(deployed, file["S3Uri"])
        assert len(content) == file["Size"]
        assert customers_in(content, "CSV") == {f"cust-{int(number):04d}"}
    report = read(deployed, event["ReportS3Uri"]).decode()
    assert "18 of 20 recipients completed" in report and "2 refused" in report
    assert report.count('<g class="bar completed">') == 18
    assert "Expected (P50)" in report and "cust-00" not in report
    assert burst_record(deployed, "morning")["status"] == "COMPLETED_WITH_FAILURES"
    assert deployed.partition("BURSTS") == []


def test_a_cancelled_burst_is_drained(deployed: Deployed, completions: str) -> None:
    people = [
        {"RowLevelPermissionTags": [{"Key": "customer_id", "Value": f"cust-{number:04d}"}]}
        for number in range(1, 201)
    ]
    deployed.switch({"kind": "hang_job", "SnapshotJobId": "stopped-", "times": 200})
    accepted = api(deployed).post("bursts", body=burst("stopped", people, Template=template()))
    assert accepted["StatusPath"] == "/bursts/stopped"
    wait_until(lambda: burst_record(deployed, "stopped").get("accepted") == "200")
    wait_until(lambda: len(jobs_of(deployed, "stopped-")) == 12)

    api(deployed).delete("bursts", "stopped")
    wait_until(lambda: burst_record(deployed, "stopped").get("cancelled") == "188")

    deployed.clear_switches()
    event = completion_of(deployed, completions, "stopped")
    assert event["Status"] == "CANCELLED"
    assert (event["Counts"]["Cancelled"], event["Counts"]["Completed"]) == (200, 0)
    assert len(jobs_of(deployed, "stopped-")) == 12, "none was started after"
    shown = api(deployed).get("bursts", "stopped")
    assert shown["Status"] == "CANCELLED" and shown["Counts"] == event["Counts"]
    waiting = [each["export_id"] for each in deployed.partition("BACKLOG")]
    assert not [each for each in waiting if each.startswith("stopped-")]

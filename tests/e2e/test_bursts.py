"""Bursts on the deployed stack: a list of customers in S3 becomes files of each, and one event."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from local.deployed import Deployed
from snapshot_export.adapters.burst_store import BurstStore
from snapshot_export.adapters.dynamodb import Table
from snapshot_export.adapters.queues import BurstQueue
from snapshot_export.adapters.records import Keys
from snapshot_export.adapters.services import make_services
from snapshot_export.flows.drain import cancel_burst
from snapshot_export.settings import Settings
from tests.support.bursts import burst, template
from tests.support.messages import visuals_group
from tests.support.rows import customers_in

CUSTOMERS = range(41, 61)
WRONG = {45, 52}


@pytest.fixture
def completions(deployed: Deployed) -> Iterator[str]:
    """A queue that gets the completion events of bursts; answers its address."""
    sqs, events = deployed.client("sqs"), deployed.client("events")
    name = f"completions-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    pattern = {"source": ["snapshot-export"], "detail-type": ["Snapshot Burst Completed"]}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}])
    yield url
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=url)


def completion_of(deployed: Deployed, url: str, burst_id: str, timeout: float = 90) -> Any:
    """The one event of this burst."""
    found: list[Any] = []
    deadline = time.monotonic() + timeout
    while not found:
        assert time.monotonic() < deadline, state_of(deployed, burst_id)
        found = take(deployed, url, burst_id, wait=1)
    assert len(found) == 1
    assert take(deployed, url, burst_id, wait=0) == [], "a second event"
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


def read(deployed: Deployed, uri: str) -> bytes:
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    content: bytes = deployed.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def cancel(deployed: Deployed, burst_id: str) -> None:
    """What DELETE /bursts/{BurstId} does, with the settings of the deployed functions."""
    functions = deployed.client("lambda").list_functions()["Functions"]
    (variables,) = [
        function["Environment"]["Variables"]
        for function in functions
        if function["Handler"] == "snapshot_export.handlers.burst.handler"
    ]
    session = boto3.Session("test", "test", region_name="us-east-1")
    services = make_services(Settings.from_env(variables), session)
    store = BurstStore(
        Table(deployed.client("dynamodb"), variables["TABLE_NAME"], time.sleep),
        Keys(variables["QUICKSIGHT_ACCOUNT_ID"], variables["QUICKSIGHT_REGION"]),
    )
    queue = BurstQueue(deployed.client("sqs"), variables["BURST_QUEUE_URL"])
    cancel_burst(replace(services, bursts=store, burst_work=queue), burst_id)


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
    assert event["Status"] == "COMPLETED" and event["Counts"] == counts
    listed = json.loads(read(deployed, event["ManifestS3Uri"]))
    assert listed["Counts"] == counts
    assert [each["Line"] for each in listed["Refused"]] == [6, 13]
    expected = [str(number) for number in CUSTOMERS if number not in WRONG]
    assert [file["RecipientId"] for file in listed["Files"]] == expected
    for file in listed["Files"]:
        number = file["RecipientId"]
        assert file["S3Uri"].endswith(f"/exports/morning/{number}/{number}, lines.csv")
        content = read(deployed, file["S3Uri"])
        assert len(content) == file["Size"]
        assert customers_in(content, "CSV") == {f"cust-{int(number):04d}"}
    assert burst_record(deployed, "morning")["status"] == "COMPLETED"
    assert deployed.partition("BURSTS") == []


def test_a_cancelled_burst_is_drained(deployed: Deployed, completions: str) -> None:
    people = [
        {"RowLevelPermissionTags": [{"Key": "customer_id", "Value": f"cust-{number:04d}"}]}
        for number in range(1, 201)
    ]
    deployed.occupy(12)
    deployed.send({"Burst": burst("stopped", people, Template=template())})
    deadline = time.monotonic() + 60
    while burst_record(deployed, "stopped").get("accepted") != "200":
        assert time.monotonic() < deadline
        time.sleep(0.1)

    cancel(deployed, "stopped")

    deployed.occupy(0)
    event = completion_of(deployed, completions, "stopped")
    assert event["Status"] == "CANCELLED"
    assert event["Counts"]["Cancelled"] + event["Counts"]["Completed"] == 200
    assert event["Counts"]["Cancelled"] >= 188
    waiting = [each["export_id"] for each in deployed.partition("BACKLOG")]
    assert not [each for each in waiting if each.startswith("stopped-")]

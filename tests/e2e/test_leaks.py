"""Row-level-security tags and parameter values stay in the encrypted stores, on the deployed stack.

Every way of an export with marked values; then all logs, execution histories, events, messages to
people, metrics, reasons of refusals, names of objects and answers of the API are searched for them.
The embedded account has no X-Ray; the functions send it nothing themselves (docs/decisions/9).
"""

from __future__ import annotations

import json
import time
import urllib.error
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.deployed import Deployed
from tests.support.deployed_api import call_api
from tests.support.leaks import MARKS, STRING, digests_in, find_digests, find_leaks, find_tokens
from tests.support.links import follow, links_of, tokens_of
from tests.support.marked import (
    REASON,
    mailed,
    manifest,
    marked,
    marked_template,
    of_user,
    recipients,
    refusable,
)
from tests.support.queues import make_queue_for

Sources = dict[str, list[str]]
PLATFORM = ("START RequestId", "END RequestId", "REPORT RequestId")
"""Lines of the embedded account's, which knows no JSON format for them."""
ENDS = {
    "leak-fine": "COMPLETED",
    "leak-called": "COMPLETED",
    "leak-mailed": "COMPLETED",
    "leak-linked": "COMPLETED",
    "leak-job": "FAILED",
    "leak-refused": "FAILED",
    "leak-user": "FAILED",
    "leak-stopped": "CANCELLED",
}


@pytest.fixture
def watched(deployed: Deployed) -> Iterator[dict[str, str]]:
    """Queues that get every event of the bus, and every message of the topic; addresses by name."""
    sqs, events, sns = (deployed.client(name) for name in ("sqs", "events", "sns"))
    name = f"leaks-{uuid.uuid4().hex[:8]}"
    urls, arns = {}, {}
    for source, service in (("events", "events"), ("messages", "sns")):
        urls[source], arns[source] = make_queue_for(sqs, service, f"{name}-{source}")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [{"prefix": ""}]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arns["events"]}])
    subscription = sns.subscribe(
        TopicArn=deployed.outputs["NotificationTopicArn"],
        Protocol="sqs",
        Endpoint=arns["messages"],
        ReturnSubscriptionArn=True,
    )
    yield urls
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)
    for url in urls.values():
        sqs.delete_queue(QueueUrl=url)


def refusal_of(deployed: Deployed, method: str, path: str, body: Any) -> str:
    """The text of the API's refusal."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        call_api(deployed, method, path, body)
    return refused.value.read().decode()


def send_all(deployed: Deployed) -> list[str]:
    """Every way of an export; answers what the API refused."""
    denied = {"ErrorType": "DASHBOARD_ACCESS_DENIED", "ErrorMessage": REASON}
    deployed.switch({"kind": "fail_job", "SnapshotJobId": "leak-job", **denied})
    deployed.switch({"kind": "job_seconds", "SnapshotJobId": "leak-stopped", "seconds": 10})
    deployed.switch(
        {
            "kind": "raise_exception",
            "SnapshotJobId": "leak-refused",
            "Exception": "InvalidParameterValueException",
            "Message": REASON,
        }
    )
    for name in ("leak-fine", "leak-job", "leak-refused", "leak-stopped"):
        deployed.send(marked(name))
    deployed.send(mailed("leak-mailed"), mailed("leak-linked", attach="NEVER"))
    deployed.send(of_user("leak-user"), *refusable())
    burst = {"Template": marked_template(), "Recipients": recipients()}
    deployed.send({"Burst": burst | {"BurstId": "leak-inline"}})
    deployed.client("s3").put_object(
        Bucket=deployed.outputs["ExportBucketName"],
        Key="manifests/leak.csv",
        Body=manifest(header=False).encode(),
    )
    listed = f"s3://{deployed.outputs['ExportBucketName']}/manifests/leak.csv"
    burst = {
        "BurstId": "leak-headless",
        "Template": marked_template(),
        "Manifest": {"S3Uri": listed, "Format": "CSV"},
    }
    call_api(deployed, "POST", "/bursts", burst)
    call_api(deployed, "POST", "/exports", marked("leak-called"))
    soon = datetime.now(UTC) + timedelta(seconds=1)
    schedule = {
        "ScheduleExpression": f"at({soon:%Y-%m-%dT%H:%M:%S})",
        "Export": marked(None),
    }
    call_api(deployed, "PUT", "/schedules/leak-schedule", schedule)
    return [
        refusal_of(deployed, "POST", "/exports", marked("leak-called", Priority=1)),
        refusal_of(deployed, "POST", "/exports", marked("leak-wrong", Colour=STRING)),
        refusal_of(deployed, "PUT", "/schedules/wrong", schedule | {"Export": {"A": STRING}}),
        refusal_of(deployed, "GET", f"/exports?Status={STRING}", None),
    ]


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def deliveries_of(deployed: Deployed) -> list[dict[str, Any]]:
    """The mails of the exports that have some, as the API shows them."""
    ids = ("leak-mailed", "leak-linked")
    return [
        delivery
        for export_id in ids
        for delivery in call_api(deployed, "GET", f"/exports/{export_id}")["Deliveries"]
    ]


def follow_links(deployed: Deployed) -> list[str]:
    """Open the links of the mails, revoke them, and try again; their tokens."""
    (mail,) = (
        each
        for each in deployed.mailbox.read()
        if each.tags.get("DeliveryId", "").startswith("leak-linked-")
    )
    (link,) = links_of(deployed, mail)
    assert follow(deployed, link).status == 302
    call_api(deployed, "DELETE", "/exports/leak-linked/links")
    assert follow(deployed, link).status == 404
    return tokens_of(link)


def wait_for_ends(deployed: Deployed) -> None:
    wait_until(
        lambda: any("leak-stopped" in job["SnapshotJobId"] for job in deployed.ledger()["jobs"]),
        "the job of the export to cancel was not started",
    )
    call_api(deployed, "DELETE", "/exports/leak-stopped")
    found = {each: deployed.wait_for_export(each, 120)["status"] for each in ENDS}
    assert found == ENDS
    wait_until(
        lambda: {each["Status"] for each in deliveries_of(deployed)} == {"DELIVERED"},
        "no mail was delivered",
    )
    for burst_id, status in (
        ("leak-inline", "COMPLETED_WITH_FAILURES"),
        ("leak-headless", "FAILED"),
    ):
        wait_until(
            lambda: call_api(deployed, "GET", f"/bursts/{burst_id}")["Status"] == status,  # noqa: B023
            f"{burst_id} is not {status}",
        )
    bucket = deployed.outputs["ExportBucketName"]
    wait_until(
        lambda: (
            "Contents"
            in deployed.client("s3").list_objects_v2(Bucket=bucket, Prefix="exports/leak-schedule-")
        ),
        "the schedule made no export",
    )


def invoke_with_nonsense(deployed: Deployed) -> list[str]:
    """Each function, called with an event it does not expect; what it answers."""
    client = deployed.client("lambda")
    names = [each["FunctionName"] for each in client.list_functions()["Functions"]]
    ours = [name for name in names if "Function" in name and name.startswith("SnapshotExport")]
    assert len(ours) == 12
    event = json.dumps({"Records": [{"body": REASON, "messageId": "m"}], "Do": STRING})
    return [
        client.invoke(FunctionName=name, Payload=event.encode())["Payload"].read().decode()
        for name in ours
    ]


def logs_of(deployed: Deployed, since: float) -> Sources:
    """The lines of every log group since a time (epoch seconds)."""
    client = deployed.client("logs")
    groups = client.get_paginator("describe_log_groups").paginate()
    names = [group["logGroupName"] for page in groups for group in page["logGroups"]]
    found: Sources = {}
    for name in names:
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=name, startTime=int(since * 1000)
        )
        found[f"log {name}"] = [event["message"] for page in pages for event in page["events"]]
    return found


def histories_of(deployed: Deployed) -> list[str]:
    """Every execution with its input, output and history."""
    client, found = deployed.client("stepfunctions"), []
    pages = client.get_paginator("list_executions").paginate(
        stateMachineArn=deployed.outputs["StateMachineArn"]
    )
    for arn in [each["executionArn"] for page in pages for each in page["executions"]]:
        if "leak" in arn:
            found.append(str(client.describe_execution(executionArn=arn)))
            history = client.get_paginator("get_execution_history").paginate(executionArn=arn)
            found += [str(page["events"]) for page in history]
    return found


def messages_of(deployed: Deployed, url: str) -> list[dict[str, Any]]:
    """All messages of a queue; those that are not this test's stay there."""
    sqs, found = deployed.client("sqs"), []
    while messages := sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=60,
        MessageAttributeNames=["All"],
    ).get("Messages"):
        found += messages
    for message in found:
        handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
        if message["Body"] in refusable():
            sqs.delete_message(**handle)
        else:
            sqs.change_message_visibility(**handle, VisibilityTimeout=0)
    return found


def items_of(deployed: Deployed) -> list[dict[str, Any]]:
    """Everything in the table."""
    pages = deployed.client("dynamodb").get_paginator("scan")
    table = deployed.outputs["TableName"]
    return [item for page in pages.paginate(TableName=table) for item in page["Items"]]


def count_rejected(deployed: Deployed) -> int:
    answer = deployed.client("sqs").get_queue_attributes(
        QueueUrl=deployed.outputs["RejectedQueueUrl"], AttributeNames=["All"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def test_no_marked_value_leaves_the_stores_that_carry_requests(
    deployed: Deployed, watched: dict[str, str]
) -> None:
    since, rejected_before = time.time(), count_rejected(deployed)
    refusals = send_all(deployed)
    wait_for_ends(deployed)
    tokens = follow_links(deployed)
    answers = invoke_with_nonsense(deployed)
    wait_until(
        lambda: count_rejected(deployed) >= rejected_before + len(refusable()),
        "not all that is wrong was rejected",
    )
    call_api(deployed, "DELETE", "/schedules/leak-schedule")
    rejected = messages_of(deployed, deployed.outputs["RejectedQueueUrl"])
    objects = deployed.client("s3").list_objects_v2(Bucket=deployed.outputs["ExportBucketName"])
    metrics = deployed.client("cloudwatch").get_paginator("list_metrics").paginate()
    shown = [
        call_api(deployed, "GET", f"/bursts/{each}") for each in ("leak-inline", "leak-headless")
    ]
    events = messages_of(deployed, watched["events"])  # SES's own hold the addresses of its mails
    sources = logs_of(deployed, since) | {
        "histories": histories_of(deployed),
        "events": [
            each["Body"] for each in events if json.loads(each["Body"])["source"] != "aws.ses"
        ],
        "messages to people": [each["Body"] for each in messages_of(deployed, watched["messages"])],
        "metrics": [str(page["Metrics"]) for page in metrics],
        "reasons": [each["MessageAttributes"]["Reason"]["StringValue"] for each in rejected],
        "keys": [each["Key"] for each in objects["Contents"]],
        "refusals of the API": refusals,
        "deliveries": [json.dumps(deliveries_of(deployed))],
        "refusals of bursts": [json.dumps(each) for each in shown],
        "answers of functions": answers,
    }

    assert find_leaks(sources) == []
    items = {"items": [json.dumps(each, default=str) for each in items_of(deployed)]}
    assert find_tokens(tokens, sources | items) == []
    jobs = [job["SnapshotJobId"] for job in deployed.ledger()["jobs"]]
    digests = digests_in(items_of(deployed))
    assert len(digests) > 10
    assert find_digests(digests, sources | {"job ids": jobs}) == []

    for source in ("histories", "events", "messages to people", "keys", "refusals of bursts"):
        assert any("leak-" in text for text in sources[source]), f"{source} were not seen"
    functions = {name: lines for name, lines in sources.items() if "Function" in name}
    assert len(functions) == 12
    for name, lines in functions.items():
        own = [json.loads(line) for line in lines if not line.startswith(PLATFORM)]
        assert own, f"{name} has no line"
        for line in own:
            assert line.get("service") == "SnapshotExport" or "errorType" in line, line
    kept = deployed.client("dynamodb").get_item(
        TableName=deployed.outputs["TableName"],
        Key={"pk": {"S": "EXPORT#leak-job"}, "sk": {"S": "EXPORT"}},
    )
    carried = {leak.mark for leak in find_leaks({"table": [json.dumps(kept["Item"])]})}
    assert carried == set(MARKS), "the search finds what the table rightly holds"

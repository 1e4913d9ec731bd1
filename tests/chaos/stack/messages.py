"""Messages in and out: sent shuffled and doubled, read back from the queues at the end."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from local.deployed import Deployed

_EMPTY_READINGS = 2


def send_all(deployed: Deployed, bodies: Sequence[str]) -> list[str]:
    """Put bodies on the intake queue; answers their messages' ids, in the same order."""
    sqs, url = deployed.client("sqs"), deployed.outputs["IntakeQueueUrl"]
    ids: dict[int, str] = {}
    for start in range(0, len(bodies), 10):
        batch = enumerate(bodies[start : start + 10], start)
        entries = [{"Id": str(index), "MessageBody": body} for index, body in batch]
        answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        assert not answer.get("Failed"), answer["Failed"]
        ids |= {int(each["Id"]): each["MessageId"] for each in answer["Successful"]}
    return [ids[index] for index in range(len(bodies))]


def in_waves(bodies: Sequence[str], chance: random.Random, waves: int) -> Iterator[list[str]]:
    """The bodies, shuffled, most of them in the first wave."""
    shuffled = list(bodies)
    chance.shuffle(shuffled)
    first = len(shuffled) // 2
    yield shuffled[:first]
    rest, size = shuffled[first:], -(-(len(shuffled) - first) // max(1, waves - 1))
    for start in range(0, len(rest), size):
        yield rest[start : start + size]


def deliver_again(deployed: Deployed, message_id: str, body: str) -> None:
    """Deliver a message once more, as SQS may: the intake function is called with its event."""
    client = deployed.client("lambda")
    names = [each["FunctionName"] for each in client.list_functions()["Functions"]]
    (function,) = [name for name in names if "IntakeFunction" in name]
    now = str(int(time.time() * 1000))
    record = {
        "messageId": message_id,
        "receiptHandle": "again",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "2",
            "SentTimestamp": now,
            "SenderId": "chaos",
            "ApproximateFirstReceiveTimestamp": now,
        },
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:intake",
        "awsRegion": "us-east-1",
    }
    client.invoke(FunctionName=function, Payload=json.dumps({"Records": [record]}).encode())


def take_all(deployed: Deployed, url: str) -> list[dict[str, Any]]:
    """Take every message from a queue, until it is found empty."""
    sqs, found, empty = deployed.client("sqs"), [], 0
    while empty < _EMPTY_READINGS:
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        messages = answer.get("Messages", [])
        empty = 0 if messages else empty + 1
        for each in messages:
            found.append(each)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return found


def count_left(deployed: Deployed, url: str) -> int:
    """Messages that a queue holds, those under way included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = deployed.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return sum(int(attributes["Attributes"][name]) for name in names)


def redrive(deployed: Deployed) -> list[str]:
    """Send what lies in the dead-letter queue again; answers the bodies."""
    dead = take_all(deployed, deployed.outputs["DeadLetterQueueUrl"])
    bodies = [each["Body"] for each in dead]
    send_all(deployed, bodies)
    return bodies


def watch_ends(deployed: Deployed) -> str:
    """A queue that gets the end events of exports; answers its address."""
    sqs, events = deployed.client("sqs"), deployed.client("events")
    url: str = sqs.create_queue(QueueName="chaos-ends")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    types = ["Snapshot Export Completed", "Snapshot Export Failed"]
    pattern = {"source": ["snapshot-export"], "detail-type": types}
    events.put_rule(Name="chaos-ends", EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}
    events.put_targets(Rule="chaos-ends", Targets=[target])
    return url


def wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; answers whether it came to hold in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True

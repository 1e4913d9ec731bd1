"""redrive: nothing lost, nothing twice, and only what was chosen."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from tests.unit.snapshots.conftest import Run

BODY = '{"DashboardId": "sales", "n": 1.0}'
Put = Callable[..., str]


@pytest.fixture
def sqs(aws: dict[str, str]) -> Any:
    return boto3.client("sqs")


@pytest.fixture
def put(sqs: Any, aws: dict[str, str]) -> Put:
    """Put a message on a queue, with a reason on the rejected one."""

    def call(queue: str, body: str, reason: dict[str, Any] | None = None) -> str:
        values = {"MessageId": f"first-{body[-4:-1]}", "Reason": json.dumps(reason)}
        attributes = {
            name: {"DataType": "String", "StringValue": value} for name, value in values.items()
        }
        sent = sqs.send_message(
            QueueUrl=aws[queue], MessageBody=body, MessageAttributes=attributes if reason else {}
        )
        return str(sent["MessageId"])

    return call


def bodies(sqs: Any, url: str) -> list[str]:
    """The visible messages of a queue, taken off it."""
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def taken(sqs: Any, url: str) -> list[tuple[str, str, str]]:
    """Body, first id and first time of the visible messages of a queue, taken off it."""
    found = []
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        for message in messages:
            first = message["MessageAttributes"]
            values = (first[name]["StringValue"] for name in ("MessageId", "SentAt"))
            found.append((message["Body"], *values))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def sent_at(sqs: Any, url: str) -> list[str]:
    """When the visible messages of a queue were sent, as redrive writes it."""
    answer = sqs.receive_message(
        QueueUrl=url, VisibilityTimeout=0, MessageSystemAttributeNames=["SentTimestamp"]
    )
    return [str(int(m["Attributes"]["SentTimestamp"]) / 1000) for m in answer["Messages"]]


def refused(field: str, code: str = "INVALID_REQUEST") -> dict[str, Any]:
    return {"Code": code, "Problems": [{"Field": field, "Place": field, "Rule": "is required"}]}


def test_without_yes_it_shows_the_reasons_and_moves_nothing(
    run: Run, sqs: Any, aws: dict[str, str], put: Put
) -> None:
    put("DeadLetterQueueUrl", BODY)
    put("RejectedQueueUrl", BODY, refused("Name"))
    for arguments in ([], ["--dry-run"], ["--yes", "--dry-run"]):
        result = run("redrive", *arguments)
        assert result.code == 0, result.err
        assert "dead-letter: 1 found, 1 would be moved" in result.out
        assert "Name: is required" in result.out and "NOT_TAKEN" in result.out
    assert bodies(sqs, aws["IntakeQueueUrl"]) == []
    for name in ("DeadLetterQueueUrl", "RejectedQueueUrl"):
        assert bodies(sqs, aws[name]) == [BODY]


def test_moved_messages_are_kept_to_the_letter_with_id_and_time_of_their_first_delivery(
    run: Run, sqs: Any, aws: dict[str, str], put: Put
) -> None:
    dead = put("DeadLetterQueueUrl", BODY)
    (dead_at,) = sent_at(sqs, aws["DeadLetterQueueUrl"])
    rejected = ["no json", *(f'{{"ExportId": "own-{number}"}}' for number in range(25))]
    for body in rejected:
        attributes = {"MessageId": f"id of {body}", "SentAt": "1795650629.121", "Reason": "{}"}
        sqs.send_message(
            QueueUrl=aws["RejectedQueueUrl"],
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": text}
                for name, text in attributes.items()
            },
        )
    result = run("redrive", "--yes", "--json")
    assert result.code == 0, result.err
    assert [each["Moved"] for each in result.json["Queues"]] == [1, 26]
    moved = taken(sqs, aws["IntakeQueueUrl"])
    expected = [(body, f"id of {body}", "1795650629.121") for body in rejected]
    assert sorted(moved) == sorted([(BODY, dead, dead_at), *expected])
    assert bodies(sqs, aws["DeadLetterQueueUrl"]) == bodies(sqs, aws["RejectedQueueUrl"]) == []


def test_what_an_older_version_refused_is_dated_by_its_refusal(
    run: Run, sqs: Any, aws: dict[str, str], put: Put
) -> None:
    put("RejectedQueueUrl", BODY, refused("Name"))
    (at,) = sent_at(sqs, aws["RejectedQueueUrl"])
    assert run("redrive", "--yes").code == 0
    assert taken(sqs, aws["IntakeQueueUrl"]) == [(BODY, f"first-{BODY[-4:-1]}", at)]


def test_only_what_is_chosen_is_moved(run: Run, sqs: Any, aws: dict[str, str], put: Put) -> None:
    dead = put("DeadLetterQueueUrl", BODY)
    for field in ("aaa", "bbb"):
        put("RejectedQueueUrl", f'{{"ExportId": "{field}"}}', refused(field))
    put("RejectedQueueUrl", '{"ExportId": "ccc"}', refused("aaa", "OTHER"))
    assert run("redrive", "--yes", "--reason", "INVALID_REQUEST", "--field", "aaa").code == 0
    assert bodies(sqs, aws["IntakeQueueUrl"]) == ['{"ExportId": "aaa"}']
    assert run("redrive", "--yes", "--message-id", dead).code == 0
    assert len(bodies(sqs, aws["IntakeQueueUrl"])) == 1
    assert len(bodies(sqs, aws["RejectedQueueUrl"])) == 2
    assert run("redrive", "--queue", "rejected", "--json").json["Queues"][0]["Found"] == 0


@pytest.mark.parametrize("call", ["send_message", "delete_message", "receive_message"])
@pytest.mark.parametrize("takes_effect", [False, True], ids=["before", "after"])
def test_dying_at_any_call_loses_nothing_and_repeats_the_same_id(
    run: Run,
    sqs: Any,
    aws: dict[str, str],
    put: Put,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    takes_effect: bool,
) -> None:
    dead = put("DeadLetterQueueUrl", BODY)

    class Dying:
        def __getattr__(self, name: str) -> Any:
            return self._die if name == call else getattr(sqs, name)

        def _die(self, **arguments: Any) -> None:
            if takes_effect:
                getattr(sqs, call)(**arguments)
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("snapshots.connection.Account.client", lambda *_: Dying())
        assert run("redrive", "--yes").code == 130
    if call == "receive_message" and takes_effect:
        hidden = sqs.get_queue_attributes(
            QueueUrl=aws["DeadLetterQueueUrl"],
            AttributeNames=["ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"].values()
        assert [*hidden] == ["1"], "it is kept, and seen again when its time is over"
        return
    assert run("redrive", "--yes").code == 0
    sent = taken(sqs, aws["IntakeQueueUrl"])
    assert {(body, first_id) for body, first_id, _ in sent} == {(BODY, dead)}
    assert len({time for _, _, time in sent}) == 1
    assert bodies(sqs, aws["DeadLetterQueueUrl"]) == []


@pytest.mark.parametrize(
    ("kind", "work"),
    [
        ("Burst", '{"BurstId": "b", "Work": "EXPAND"}'),
        ("Delivery", '{"DeliveryId": "e-0123-1-0", "Target": "default"}'),
    ],
)
def test_work_on_bursts_and_mails_goes_back_to_its_own_queue(
    run: Run, sqs: Any, aws: dict[str, str], put: Put, kind: str, work: str
) -> None:
    dead = f"{kind}DeadLetterQueueUrl"
    for name in (f"{kind}QueueUrl", dead):
        aws[name] = sqs.create_queue(QueueName=name)["QueueUrl"]
    put(dead, work)
    assert run("redrive", "--yes", "--queue", f"{kind.lower()}-dead-letter").code == 0
    assert bodies(sqs, aws[f"{kind}QueueUrl"]) == [work]
    assert bodies(sqs, aws["IntakeQueueUrl"]) == bodies(sqs, aws[dead]) == []

"""A message keeps its identity when it is sent again, whatever it asks for and however often."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.flows import take_message
from snapshot_export.handlers import intake
from snapshots.queues import DEAD_LETTER, REJECTED, KeptQueue
from tests.support.bursts import burst, recipient
from tests.support.messages import message
from tests.support.world import World, make_queue

DAY_MILLISECONDS = 86_400_000
UNWRITTEN = "<aws.scheduler.scheduled-time>"
DATED = message(None, Name="{date:%Y-%m-%d %H-%M-%S}")


def scheduled(kind: str, body: dict[str, Any], occurrence: str = UNWRITTEN) -> dict[str, Any]:
    return {"Schedule": "daily", "Occurrence": occurrence, "Timezone": "UTC", kind: body}


def without_id(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "BurstId"}


BURST = burst("mine", [recipient(1)])
GOOD: dict[str, Any] = {
    "export with an id": message("mine"),
    "export with a job id": message(None, SnapshotJobId="mine"),
    "export without an id": DATED,
    "export with a null id": DATED | {"ExportId": None},
    "export with null ids": DATED | {"ExportId": None, "SnapshotJobId": None},
    "export with null and job id": message(None, ExportId=None, SnapshotJobId="mine"),
    "export with null members": DATED | {"Deadline": None, "RegisteredUser": None},
    "burst with an id": {"Burst": BURST},
    "burst without an id": {"Burst": without_id(BURST)},
    "burst with a null id": {"Burst": BURST | {"BurstId": None}},
    "occurrence of an export": scheduled("Export", DATED, "2026-11-23T06:00:00Z"),
    "undated occurrence of an export": scheduled("Export", DATED),
    "undated occurrence of a burst": scheduled("Burst", without_id(BURST)),
}
BAD: dict[str, Any] = {
    "no JSON": "no json",
    "no object": "[]",
    "wrong export without an id": DATED | {"Priority": 99},
    "wrong export with a null id": DATED | {"ExportId": None, "Priority": 99},
    "wrong export with an id": message("wrong", Priority=99),
    "wrong burst without an id": {"Burst": without_id(BURST) | {"Priority": 99}},
    "wrong undated occurrence": scheduled("Export", DATED | {"Priority": 99}),
}


class Undeleting:
    """A client of SQS whose deletions do not arrive."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def delete_message(self, **_arguments: str) -> None:
        """Nothing."""


class Line:
    """The intake queue, its function, and the queues of what was not taken; time passes by days."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self.sqs = world.session.client("sqs")
        self.intake = make_queue(world.session, f"{world.settings.table_name}-in")
        self.dead = make_queue(world.session, f"{world.settings.table_name}-dead")
        self.days = 0
        monkeypatch.setattr("snapshots.queues._WAIT_SECONDS", 0)
        monkeypatch.setattr(intake, "services_from_env", lambda: world.services)

    def lose(self, body: Any) -> None:
        """Put a message where SQS keeps what was not taken: id and time are as at first."""
        text = body if isinstance(body, str) else json.dumps(body)
        self.sqs.send_message(QueueUrl=self.dead, MessageBody=text)

    def deliver(self, url: str, times: int = 1, *, keep: bool = False) -> None:
        """Have the function take all messages of a queue, each so many times."""
        messages = [*self._receive(url)]
        for record in messages * times:
            assert intake.handler({"Records": [record]}, None) == {"batchItemFailures": []}
        for record in messages:
            handle = {"QueueUrl": url, "ReceiptHandle": record["receiptHandle"]}
            if keep:
                self.sqs.change_message_visibility(**handle, VisibilityTimeout=0)
            else:
                self.sqs.delete_message(**handle)

    def redrive(self, name: str, *, dying: bool = False) -> int:
        """As `snapshots redrive --yes` does, a day later; or dying before it deletes anything."""
        self.days += 1
        url = self.dead if name == DEAD_LETTER else self.world.settings.rejected_queue_url
        queue = KeptQueue(Undeleting(self.sqs) if dying else self.sqs, name, url, self.intake)
        found = [*queue.receive(10)]
        for kept in found:
            queue.move(kept)
        queue.give_back(found if dying else [])
        return len(found)

    def refusals(self) -> list[str]:
        """The first ids of what lies in the rejected queue."""
        answer = self.sqs.receive_message(
            QueueUrl=self.world.settings.rejected_queue_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageAttributeNames=["MessageId"],
        )
        return [
            found["MessageAttributes"]["MessageId"]["StringValue"]
            for found in answer.get("Messages", [])
        ]

    def records(self) -> set[tuple[str, ...]]:
        """Every export and burst: its key, status, digest and time of acceptance."""
        client: Any = self.world.services.store._table._client
        items = client.scan(TableName=self.world.settings.table_name)["Items"]
        return {
            tuple(
                str(next(iter(item[name].values())))
                for name in ("pk", "status", "digest", "accepted_at")
            )
            for item in items
            if item["sk"]["S"] in ("EXPORT", "BURST")
        }

    def _receive(self, url: str) -> Iterator[dict[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        for found in answer.get("Messages", []):
            sent = int(found["Attributes"]["SentTimestamp"])
            later = self.days * DAY_MILLISECONDS if url == self.intake else 0
            yield {
                "messageId": found["MessageId"],
                "receiptHandle": found["ReceiptHandle"],
                "body": found["Body"],
                "attributes": {"SentTimestamp": str(sent + later)},
                "messageAttributes": {
                    name: {"stringValue": value["StringValue"], "dataType": "String"}
                    for name, value in found.get("MessageAttributes", {}).items()
                },
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:intake",
                "awsRegion": "us-east-1",
            }


@pytest.fixture
def line(world: World, monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(world, monkeypatch)


@pytest.mark.parametrize("kind", GOOD)
def test_a_dead_letter_that_was_taken_after_all_is_not_taken_again(line: Line, kind: str) -> None:
    line.lose(GOOD[kind])
    line.deliver(line.dead, keep=True)
    taken = line.records()
    assert [status for _, status, *_ in taken] in (["QUEUED"], ["RUNNING"], ["EXPANDING"])
    for dying in (True, False):
        assert line.redrive(DEAD_LETTER, dying=dying) == 1
        line.deliver(line.intake, times=2)
    assert line.records() == taken
    assert line.refusals() == []


@pytest.mark.parametrize("kind", GOOD)
def test_what_was_refused_is_taken_after_a_fix_as_if_it_had_been_taken_at_first(
    line: Line, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def refuse(*_: object) -> None:
        raise InvalidRequestError((Problem("", "not yet"),))

    line.lose(GOOD[kind])
    with monkeypatch.context() as patch:
        patch.setattr(take_message, "_accept_body", refuse)
        line.deliver(line.dead, keep=True)
        assert line.redrive(REJECTED, dying=True) == 1
        line.deliver(line.intake)
        assert line.redrive(REJECTED) == 2
    line.deliver(line.intake, times=2)
    taken = line.records()
    assert line.refusals() == []
    line.deliver(line.dead)
    assert line.records() == taken
    assert line.refusals() == []


@pytest.mark.parametrize("kind", BAD)
def test_what_stays_wrong_is_refused_again_under_its_first_identity(line: Line, kind: str) -> None:
    line.lose(BAD[kind])
    line.deliver(line.dead)
    refused, (first,) = line.records(), line.refusals()
    assert [status for _, status, *_ in refused] == ["REJECTED"]
    for _ in range(2):
        assert line.redrive(REJECTED) == 1
        line.deliver(line.intake)
        assert (line.records(), line.refusals()) == (refused, [first])

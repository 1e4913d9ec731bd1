"""Delivers batches of messages to the real intake function, over moto, and tells what became.

One world serves a whole run; its table, queues and executions are emptied between batches, so that
a batch's outcome depends on the batch alone and can be repeated.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from moto import mock_aws
from moto.core.base_backend import BackendDict
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from snapshot_export.adapters.services import Services
from snapshot_export.adapters.table.dynamodb import _unmarshal
from snapshot_export.adapters.table.records import export_from
from snapshot_export.domain.dashboard import Published
from snapshot_export.domain.export import Attempt, Export
from snapshot_export.domain.row_level_security import DashboardSecurity
from snapshot_export.flows.dashboard import guard
from snapshot_export.handlers import intake
from tests.support.output import captured
from tests.support.quick_moto import quick_moto
from tests.support.sessions import WorldSession
from tests.support.world import ACCOUNT, REGION, Clock, World, quicksight_on


@dataclass(frozen=True)
class Refused:
    """A message in the rejected queue."""

    body: str
    reason: Mapping[str, Any]


@dataclass
class Outcome:
    """What one delivery of a batch left behind."""

    failed_ids: set[str] = field(default_factory=set)
    refused: dict[str, list[Refused]] = field(default_factory=dict)
    exports: dict[str, Export] = field(default_factory=dict)
    bursts: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: str = ""
    crash: str = ""


class Harness:
    """The intake function and its world."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.executions.start = self._note_start  # type: ignore[method-assign]
        self.started: list[str] = []

    def deliver(self, bodies: Sequence[str]) -> tuple[list[str], Outcome]:
        """Deliver one batch to an empty world; answers the messages' ids and the outcome."""
        self._empty()
        ids = [f"{index:08d}-0000-4000-8000-000000000000" for index in range(len(bodies))]
        sent = str(round(self.world.clock.now() * 1000))
        event = {
            "Records": [
                {
                    "messageId": message_id,
                    "receiptHandle": message_id,
                    "body": body,
                    "attributes": {"SentTimestamp": sent, "ApproximateReceiveCount": "1"},
                    "messageAttributes": {},
                    "eventSource": "aws:sqs",
                    "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:intake",
                    "awsRegion": REGION,
                }
                for message_id, body in zip(ids, bodies, strict=True)
            ]
        }
        outcome = Outcome()
        with captured("DEBUG") as log:
            try:
                with (
                    patch.object(intake, "services_from_env", lambda: self.world.services),
                    patch.object(guard, "read_published", _any_dashboard),
                    patch.object(guard, "judge", lambda *_: ()),
                ):
                    answer = intake.handler(event, None)
                    failures = answer["batchItemFailures"]
                    outcome.failed_ids = {str(item["itemIdentifier"]) for item in failures}
                    self.world.work_on_bursts()
            except Exception as error:
                outcome.crash = f"{type(error).__name__}: {error}"
        outcome.log = log.getvalue()
        self._look(outcome)
        return ids, outcome

    def _note_start(self, attempt: Attempt, target: str) -> None:  # noqa: ARG002
        """Instead of StartExecution in moto, which no message's content reaches."""
        self.started.append(attempt.execution_name)

    def _look(self, outcome: Outcome) -> None:
        for item in self._items():
            if item["sk"] == "EXPORT":
                export = export_from(item)
                outcome.exports[export.export_id] = export
            elif item["sk"] == "BURST":
                outcome.bursts[item["burst_id"]] = item
        for message in self._queue(self.world.settings.rejected_queue_url)._messages:
            attributes = {
                name: value["StringValue"] for name, value in message.message_attributes.items()
            }
            refused = Refused(message.body, json.loads(attributes["Reason"]))
            outcome.refused.setdefault(attributes["MessageId"], []).append(refused)

    def _items(self) -> Iterator[dict[str, Any]]:
        for items in self._table().items.values():
            for item in items.values():
                yield _unmarshal(item.to_json()["Attributes"])

    def _table(self) -> Any:
        return _backend(dynamodb_backends).tables[self.world.settings.table_name]

    def _queue(self, url: str) -> Any:
        return _backend(sqs_backends).queues[url.rsplit("/", 1)[1]]

    def _empty(self) -> None:
        self._table().items.clear()
        for url in (self.world.settings.rejected_queue_url, self.world.settings.burst_queue_url):
            self._queue(url)._messages.clear()
        self.started.clear()
        self.world.burst_queue.sent.clear()


def _any_dashboard(services: Services, _dashboard_id: str, **_how: bool) -> Published:
    """Made messages name dashboards and tags that are none: what is published is not judged."""
    return Published(security=DashboardSecurity(read_at=services.now()))


def _backend(backends: BackendDict[Any]) -> Any:
    return backends[ACCOUNT][REGION]


@contextmanager
def harness() -> Iterator[Harness]:
    """A world over moto for the intake function."""
    clock = Clock()
    names = ("AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_ENDPOINT_URL")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    with quicksight_on(clock) as server, patch.dict(os.environ, kept, clear=True):
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL_QUICKSIGHT": server.url,
            "AWS_ENDPOINT_URL_STS": server.url,
            "SSL_CERT_FILE": str(server.ca_file),
            "MOTO_ACCOUNT_ID": ACCOUNT,
        }
        with mock_aws(), quick_moto():
            yield Harness(World(WorldSession(region_name=REGION), server, clock))

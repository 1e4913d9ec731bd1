"""The delivery queue, SES and EventBridge on virtual time, around the real handlers.

A message whose function gave no answer comes again after its visibility time, and is given up after
five receipts; some come twice. SES's events are seconds late, in any order, some twice, some never;
for some minutes none comes. Lambda calls a function that failed for an event again twice. The
reconciler comes each minute in which a mail is due.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.sqs.models import sqs_backends

from local.mail.events import Event
from local.mail.outcomes import Outcome
from snapshot_export.adapters.services import Services, make_services
from snapshot_export.errors import SnapshotExportError
from snapshot_export.handlers import deliver, reconcile
from tests.chaos.calls import Calls, Killed
from tests.chaos.mails import EVENT_TRIES, RECEIVES, VISIBILITY
from tests.chaos.ses_client import as_brought, equip, make_ses, ses_client
from tests.support.mails import SENDER
from tests.support.quick_moto import read_table
from tests.support.world import ACCOUNT, REGION, World

URL = "https://links.example"
IN_DOUBT_MINUTES = 30
DOUBLED, LOST = 0.05, 0.02
SILENT_MINUTES = range(2, 4)
"""When EventBridge brings nothing."""
QUOTA_SHARE, RAISED_MINUTE = 0.95, 60
OTHERS_SECONDS, OTHERS, OTHERS_MINUTES = 20.0, 30, 10
"""Somebody else in the account sends so many at once, at first."""
MAX_PASSES = 2000
_HANDLERS: dict[str, Any] = {"deliver": deliver.handler, "reconcile": reconcile.handler}
_UNKNOWN = ("SENDING", "IN_DOUBT")


class Office:
    """Delivers the mails of a world whose exports have ended; `count` of them."""

    def __init__(self, world: World, folder: Path, calls: Calls, draw: Random, count: int) -> None:
        self.world, self.counts, self.violations = world, Counter[str](), list[str]()
        self.announced: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.ses = make_ses(folder, world.clock.now, max_24_hour_send=round(QUOTA_SHARE * count))
        self._client = ses_client(self._answer)
        self._calls, self._draw = calls, draw
        calls.on_effect = self._hear
        self._environments: dict[str, Services] = {}
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._heard, self._minute = 0, 0
        name = (world.settings.delivery_queue_url or "").rsplit("/", 1)[1]
        self._queue = sqs_backends[ACCOUNT][REGION].queues[name]

    def trouble(self, addresses: Sequence[str]) -> None:
        """A hundredth of the addresses bounces, complains, or is suppressed, each."""
        service, caller = self.ses.service, self.ses.caller
        for number, address in enumerate(addresses):
            match number % 100:
                case 1:
                    service.chosen[address] = Outcome.BOUNCED
                case 2:
                    service.chosen[address] = Outcome.COMPLAINED
                case 3:
                    entry = {"EmailAddress": address, "Reason": "BOUNCE"}
                    service.call("PutSuppressedDestination", entry, caller)

    def run(self) -> None:
        """Until nothing is to be done for any mail."""
        clock = self.world.clock
        began = clock.now()
        next_pass = began + 60.0
        self._at(OTHERS_SECONDS, self._let_others_send)
        for self._minute in range(1, MAX_PASSES):
            self.find_new()
            while self._agenda and self._agenda[0][0] <= next_pass:
                at, _, action = heapq.heappop(self._agenda)
                clock.time = max(clock.time, at)
                action()
                self.find_new()
            due_at = self._due_at()
            if not self._agenda and due_at is None:
                break
            if not self._agenda:
                next_pass = max(next_pass, due_at or 0.0)
            clock.time = max(clock.time, next_pass)
            next_pass = clock.now() + 60.0
            if clock.now() > began + 60 * RAISED_MINUTE:
                self.ses.service.change(self.ses.caller, max_24_hour_send=50_000)
            if due_at is not None and due_at <= clock.now():
                self._invoke("reconcile", {"detail-type": "Scheduled Event"})
        else:
            self.violations.append("it never comes to rest")
        self.violations += self._calls.swallowed

    def records(self) -> dict[str, dict[str, Any]]:
        """Those of all mails, from moto's memory."""
        return {
            str(item["delivery_id"]): item for item in self.items() if item["sk"][:5] == "MAIL#"
        }

    def items(self) -> list[dict[str, Any]]:
        """All items of the table."""
        return read_table(ACCOUNT, REGION, self.world.settings.table_name)

    @property
    def _table(self) -> Any:
        return dynamodb_backends[ACCOUNT][REGION].tables[self.world.settings.table_name]

    def _due_at(self) -> float | None:
        """When the next sweep finds something."""
        outbox = self._table.items.get(DynamoType({"S": self.world.keys.outbox_partition}))
        keys = [str(key.value) for key in outbox or ()]
        return int(min(keys).partition("#")[0]) / 1000 if keys else None

    def _status_of(self, delivery_id: str) -> str:
        export_id = delivery_id.rsplit("-", 3)[0]
        partition = self._table.items.get(DynamoType({"S": self.world.keys.export(export_id)[0]}))
        item = (partition or {}).get(DynamoType({"S": f"MAIL#{delivery_id}"}))
        return str(item.attrs["status"].value) if item else ""

    def _at(self, seconds: float, action: Callable[[], None]) -> None:
        entry = (self.world.clock.now() + seconds, next(self._numbers), action)
        heapq.heappush(self._agenda, entry)

    def _answer(self, request: Any, **more: Any) -> Any:
        answer = self.ses.answer(request, **more)
        self.counts["throttled"] += answer.status_code == 429
        return answer

    def _hear(self, operation: str, body: dict[str, Any]) -> None:
        for entry in body["Entries"] if operation == "events.PutEvents" else ():
            detail = json.loads(entry["Detail"])
            self.announced[detail.get("DeliveryId", "")].append(detail)

    def find_new(self) -> None:
        """Messages and events that were made since."""
        while self._queue._messages:
            body = str(self._queue._messages.pop(0).body)
            copies = 1 + (self._draw.random() < DOUBLED)
            for _ in range(copies):
                self._at(0, lambda body=body: self._take(body, 1))  # type: ignore[misc]
        for event in self.ses.events[self._heard :]:
            if "DeliveryId" in event.detail["mail"]["tags"]:
                self._send_event(event)
        self._heard = len(self.ses.events)

    def _send_event(self, event: Event) -> None:
        if self._minute in SILENT_MINUTES or self._draw.random() < LOST:
            self.counts["events lost"] += 1
            return
        is_double = self._draw.random() < DOUBLED
        self.counts["events doubled"] += is_double
        for _ in range(1 + is_double):
            late = event.at - self.world.clock.now() + self._draw.lognormvariate(-0.36, 0.86)
            self._at(late, lambda: self._bring(event, EVENT_TRIES))

    def _take(self, body: str, receives: int) -> None:
        name = json.loads(body)["DeliveryId"]
        was_pending = self._status_of(name) == "PENDING"
        if self._invoke("deliver", {"Records": [{"body": body}]}):
            self.counts["put off"] += was_pending and self._status_of(name) == "PENDING"
            return
        if receives < RECEIVES:
            self._at(VISIBILITY, lambda: self._take(body, receives + 1))
        else:
            self.counts["dead letters"] += 1

    def _bring(self, event: Event, tries: int) -> None:
        (name,) = event.detail["mail"]["tags"]["DeliveryId"]
        before = self._status_of(name)
        done = self._invoke("deliver", as_brought(event, event.at))
        if before in _UNKNOWN and self._status_of(name) not in _UNKNOWN:
            self.counts["settled"] += 1
        if not done and tries > 1:
            self._at(60.0, lambda: self._bring(event, tries - 1))

    def _let_others_send(self) -> None:
        to = [f"success+{number}@simulator.amazonses.com" for number in range(OTHERS)]
        text = {"Data": "Not of this deployment."}
        simple = {"Simple": {"Subject": text, "Body": {"Text": text}}}
        members = {"FromEmailAddress": SENDER, "Content": simple}
        destination = {"Destination": {"ToAddresses": to}}
        self.ses.service.call("SendEmail", members | destination, self.ses.caller)
        if self._minute < OTHERS_MINUTES:
            self._at(OTHERS_SECONDS, self._let_others_send)

    def _invoke(self, function: str, event: Any) -> bool:
        """One invocation; whether it gave an answer."""
        if function not in self._environments:
            clock = self.world.clock
            services = make_services(
                self.world.settings, self.world.session, now=clock.now, sleep=clock.sleep
            )
            equip(services, self._client)
            self._environments[function] = services
        services = self._environments[function]
        module = deliver if function == "deliver" else reconcile
        try:
            with ExitStack() as stack:
                stack.enter_context(patch.object(module, "services_from_env", lambda: services))
                stack.enter_context(self._calls.of_a_function(function))
                _HANDLERS[function](event, None)
                return True
        except Killed:
            del self._environments[function]
            return False
        except SnapshotExportError:
            return False

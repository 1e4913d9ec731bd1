"""Mails on the stage: SES in the process, the delivery queue, SES's events, and who judges them.

What SES took is kept in memory, as a copy of the process has its own. Each of its events comes
twice.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from local.mail.events import Event
from snapshot_export.adapters.services import Services
from tests.chaos.mail_links import DAYS, URL, MailLinks
from tests.chaos.ses_client import as_brought, equip, make_ses, ses_client
from tests.support.mails import MAIL
from tests.support.quick_moto import read_table
from tests.support.world import ACCOUNT, REGION, make_queue

if TYPE_CHECKING:
    from tests.chaos.stage import Stage

VISIBILITY, EVENT_TRIES, RECEIVES = 180.0, 3, 5
"""infra/deliveries.py; Lambda calls a function again twice for an event that it failed."""


class Mails:
    """Mails of one stage; `in_doubt` as the deployment has it, events so many seconds late.

    With `links` they link to their files, and `links` judges that.
    """

    def __init__(self, stage: Stage, in_doubt: str, late: float, *, links: bool) -> None:
        self._stage, self._late = stage, late
        name = f"{stage.settings.table_name}-mails"
        self._url = make_queue(stage.session, name)
        self._queue = sqs_backends[ACCOUNT][REGION].queues[name]
        self._heard = 0
        self.announced: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._sent: list[tuple[str, list[str], str]] = []
        self._folder = tempfile.TemporaryDirectory(prefix="chaos-mails-")
        self._ses = make_ses(Path(self._folder.name), stage.clock.now)
        self._client = ses_client(self._answer)
        stage.settings = replace(
            stage.settings,
            delivery_queue_url=self._url,
            links_url=URL if links else None,
            mail=replace(
                MAIL,
                in_doubt=in_doubt,
                in_doubt_minutes=10,
                link_days=DAYS if links else None,
            ),
        )

        self.links = MailLinks(stage, self._items) if links else None

    def equip(self, services: Services) -> None:
        """Have a function's services call this SES."""
        equip(services, self._client)

    def hear(self, entry: dict[str, Any]) -> bool:
        """Keep the product's own events of mails; whether it was one."""
        if not entry["DetailType"].startswith("Snapshot Delivery"):
            return False
        detail = json.loads(entry["Detail"])
        self.announced[detail["DeliveryId"]].append(detail | {"Kind": entry["DetailType"]})
        return True

    def find_new(self) -> None:
        """Messages and events that were made since."""
        while self._queue._messages:
            self._stage.at(0, self._taking(self._queue._messages.pop(0).body, 1))
        for event in self._ses.events[self._heard :]:
            for after in (1.0, 5.0):
                self._stage.at(self._late * after, self._bringing(event, EVENT_TRIES))
        self._heard = len(self._ses.events)

    def is_quiet(self) -> bool:
        """Whether nothing is to be done for any mail."""
        return not any(item["pk"].startswith("OUTBOX#") for item in self._items())

    def is_sending(self) -> bool:
        """Whether a mail is on its way, or its function died."""
        return any(item.attrs["status"].value == "SENDING" for item in self._records())

    def hold(self) -> None:
        """A hand does what the sweep would do half an hour later."""
        for item in self._records():
            item.attrs["status"].value = "HELD"

    def judge(self) -> None:
        """One mail for each address of a completed export, or none and a report of it."""
        note = self._stage.witness.note
        records = {
            str(item["delivery_id"]): item
            for item in self._items()
            if item["sk"].startswith("MAIL#")
        }
        sent = Counter[str]()
        for name, recipients, to in self._sent:
            sent[name] += 1
            wanted = records.get(name, {}).get("address")
            if [wanted] != recipients or to != wanted:
                note(f"a mail of {name} went to another address")
        for name, record in records.items():
            self._judge_record(name, record, sent[name])
        if self.links is not None:
            self.links.judge()

    def _judge_record(self, name: str, record: dict[str, Any], sent: int) -> None:
        note, status = self._stage.witness.note, record["status"]
        doubts = [each for each in self.announced[name] if each["Kind"].endswith("In Doubt")]
        if status not in ("SENT", "DELIVERED", "HELD"):
            note(f"mail {name} ended {status}")
        if status == "HELD" and not doubts:
            note(f"mail {name} is held, and nothing was announced")
        if status in ("SENT", "DELIVERED") and not sent:
            note(f"mail {name} is {status} and was never sent")
        if sent > 1 and not doubts:
            note(f"mail {name} was sent {sent} times without having been in doubt")
        if sent > 1 + len(doubts):
            note(f"mail {name} was sent {sent} times")

    def _answer(self, request: Any, **more: Any) -> Any:
        answer = self._ses.answer(request, **more)
        if request.method == "POST" and answer.status_code == 200:
            body = json.loads(request.body)
            tags = {each["Name"]: each["Value"] for each in body["EmailTags"]}
            message = message_from_bytes(base64.b64decode(body["Content"]["Raw"]["Data"]))
            to = str(message["To"])
            self._sent.append((tags["DeliveryId"], body["Destination"]["ToAddresses"], to))
            if self.links is not None:
                self.links.find(str(message.get_payload(decode=True)))
        return answer

    def _items(self) -> list[dict[str, Any]]:
        return read_table(ACCOUNT, REGION, self._stage.settings.table_name)

    def _records(self) -> list[Any]:
        return [item for item in self._stored() if item.attrs["sk"].value.startswith("MAIL#")]

    def _stored(self) -> list[Any]:
        table = dynamodb_backends[ACCOUNT][REGION].tables[self._stage.settings.table_name]
        return [item for partition in table.items.values() for item in partition.values()]

    def _taking(self, body: str, receives: int) -> Callable[[], None]:
        def take() -> None:
            if self._stage.has_failed("deliver", {"Records": [{"body": body}]}):
                if receives < RECEIVES:
                    self._stage.at(VISIBILITY, self._taking(body, receives + 1))
                else:
                    self._stage.witness.note(f"dead letter of the delivery queue: {body}")

        return take

    def _bringing(self, event: Event, tries: int) -> Callable[[], None]:
        def bring() -> None:
            brought = as_brought(event, self._stage.clock.now())
            if self._stage.has_failed("deliver", brought) and tries > 1:
                self._stage.at(60.0, self._bringing(event, tries - 1))

        return bring

"""The post of the play: the delivery queue, SES with its mailbox, and SES's events.

Each message of the queue and each event of SES's comes twice; of the messages a fifth come late, in
a later act.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

from moto.sqs.models import sqs_backends

from local.mail.mailbox import Mail
from snapshot_export.flows.delivery.deliver import deliver
from tests.chaos.ses_client import as_brought, equip, link_by, make_ses, ses_client
from tests.support.mails import MAIL, bring
from tests.support.world import ACCOUNT, REGION, World

URL = "https://links.example"
WORLDS_MAIL = replace(MAIL, link_days=14)


class Post:
    """Carries the mails of one world; `seed` says which come late.

    `taken_back` are the revisions of exports that were cancelled after they had completed.
    """

    def __init__(self, world: World, folder: Path, seed: int) -> None:
        link_by(world, URL)
        self._world, self._seed = world, seed
        self._ses = make_ses(folder, world.clock.now)
        equip(world.services, ses_client(self._ses.answer))
        self.taken_back: dict[str, int] = {}
        self._late: list[str] = []
        self._heard = 0

    def carry(self, *, all_of_it: bool = False) -> None:
        """Bring what is there, and what was late before; with `all_of_it` nothing stays behind."""
        url = self._world.settings.delivery_queue_url or ""
        queue = sqs_backends[ACCOUNT][REGION].queues[url.rsplit("/", 1)[1]]
        bodies, self._late = self._late, list[str]()
        while queue._messages:
            body = str(queue._messages.pop(0).body)
            (bodies if all_of_it or not self._is_late(body) else self._late).append(body)
        for body in bodies:
            message = json.loads(body)
            services = self._world.services.for_target(message["Target"])
            for _ in range(2):
                deliver(services, message["DeliveryId"])
        self._bring_events()

    def mails(self) -> list[Mail]:
        """What SES took, as the mailbox of the embedded account keeps it."""
        return self._ses.mailbox.read()

    def _is_late(self, body: str) -> bool:
        """The same in each run of a seed: a DeliveryId without its nonce."""
        export_id, _, revision, number = json.loads(body)["DeliveryId"].rsplit("-", 3)
        return Random(f"{self._seed} {export_id} {revision} {number}").random() < 1 / 5

    def _bring_events(self) -> None:
        events = self._ses.events[self._heard :] * 2
        self._heard = len(self._ses.events)
        for each in Random(self._seed).sample(events, len(events)):
            bring(self._world, as_brought(each, self._world.clock.now()))

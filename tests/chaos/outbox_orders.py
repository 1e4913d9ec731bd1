"""Mails interleaved at every call: two invocations of one delivery, sweeps, cancellations and SES's
events, in an order that Hypothesis chooses.

An event may come before the answer of its own SendEmail is written, several times, or after a
sweep. Replies are lost and functions die. After every step no mail has gone more often than was
reported as in doubt and sent again, and what is known of one has only become more; at the end each
has gone, or is held and reported, or was cancelled.
"""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import boto3
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from moto import mock_aws

from snapshot_export.adapters.services import Services, make_services
from snapshot_export.domain.mail_event import mail_event_of
from snapshot_export.errors import AlreadyEndedError
from snapshot_export.flows.delivery.deliver import deliver
from snapshot_export.flows.delivery.settle import settle
from snapshot_export.flows.delivery.sweep import sweep
from snapshot_export.flows.export.cancel import cancel
from tests.chaos.actors import Actor, stepped
from tests.chaos.calls import Fate
from tests.chaos.ses_client import as_brought, equip, make_ses, ses_client
from tests.chaos.stage import QuietWorld
from tests.chaos.wire import Wire
from tests.support.mails import MAIL
from tests.support.messages import message, visuals_group
from tests.support.quick_moto import quick_moto, read_partition
from tests.support.sessions import SharedSession
from tests.support.world import ACCOUNT, REGION, START_TIME, Clock

FUNCTION_SECONDS = 120.0
"""No function that sends mails, or sweeps, lives longer (infra/functions.py)."""
MAX_ACTORS = 4
CALL_SECONDS = 0.002
NUMBERS = st.integers(0, 11)
FATES = st.sampled_from([None] * 6 + [Fate.LOST, Fate.AFTER, Fate.BEFORE])
ROUNDS = 4
EXPORT = "mailed"
_KNOWN = {"SENT": 1, "DELIVERED": 2}
_ENDS = {"SENT", "DELIVERED", "HELD", "CANCELLED"}


class OutboxOrders(RuleBasedStateMachine):
    """One export with two addresses, which has ended."""

    wire: ClassVar[Wire]
    clock: ClassVar[Clock]
    session: ClassVar[boto3.Session | None] = None
    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        random.seed(4)
        self.clock.time = START_TIME
        self.wire.emulator.reset()
        self._places = ExitStack()
        for each in (mock_aws(), quick_moto(), stepped(self.clock.sleep)):
            self._places.enter_context(each)
        OutboxOrders.session = self.session or SharedSession(region_name=REGION)
        self._folder = TemporaryDirectory(prefix="chaos-outbox-")
        self.actors: list[Actor] = []
        self.announced: dict[str, set[tuple[Any, Any]]] = defaultdict(set)
        self.known: dict[str, int] = {}
        self.may_cancel = False
        self.counts["runs"] += 1

    @initialize(in_doubt=st.sampled_from(["HOLD", "SEND"]), calls=st.integers(1, 6))
    def end_an_export(self, in_doubt: str, calls: int) -> None:
        """Its mails are PENDING, and two functions are at work on one."""
        mail = replace(MAIL, in_doubt=in_doubt, in_doubt_minutes=30)
        self.world = QuietWorld(self.session, self.wire, self.clock, mail=mail)  # type: ignore[arg-type]
        self.ses = make_ses(Path(self._folder.name), self.clock.now)
        self.client = ses_client(self.ses.answer)
        email = {"To": ["anna@example.com", "bert@example.com"], "Subject": "Yours"}
        delivery = {"Email": email | {"Body": {"Text": "Good morning."}}}
        groups = [visuals_group("CSV", "lines")]
        self.world.send(message(EXPORT, groups=groups, Delivery=delivery))
        self.world.driver.run()
        self.ids = sorted(self._statuses())
        assert len(self.ids) == 2
        self._deliver_twice(0, calls)

    @rule(number=NUMBERS)
    def deliver(self, number: int) -> None:
        """A message of the queue comes, for the first time or again."""
        name = self.ids[number % 2]
        self._begin(f"deliver {number % 2}", lambda services: deliver(services, name))

    @rule(number=NUMBERS, calls=st.integers(0, 9))
    def deliver_twice_at_once(self, number: int, calls: int) -> None:
        """A message comes twice, and both are at work side by side up to a call."""
        self._deliver_twice(number, calls)

    def _deliver_twice(self, number: int, calls: int) -> None:
        name = self.ids[number % 2]
        for _ in range(2):
            self._begin(f"deliver {number % 2}", lambda services: deliver(services, name))
        for actor in self.actors[-2:]:
            for _ in range(calls):
                if not actor.is_over:
                    self._step(actor, None)

    @rule()
    def sweep(self) -> None:
        """The reconciler's minute."""
        self._begin("sweep", _sweep)

    @precondition(lambda self: self.ses.events)
    @rule(number=NUMBERS)
    def bring_event(self, number: int) -> None:
        """SES's event of a mail comes, for the first time or again, however soon."""
        self._bring(number % len(self.ses.events))

    @rule()
    def cancel(self) -> None:
        """A user takes the mails back."""
        self.may_cancel = True
        self._begin("cancel", _cancel)

    @precondition(lambda self: self.actors)
    @rule(number=NUMBERS, fate=FATES)
    def go_on(self, number: int, fate: Fate | None) -> None:
        """One function makes its next call."""
        self._step(self.actors[number % len(self.actors)], fate)

    @precondition(lambda self: self.actors)
    @rule(number=NUMBERS)
    def run_through(self, number: int) -> None:
        """One function runs to its end while the others stand."""
        self._run_through(self.actors[number % len(self.actors)])

    @rule(seconds=st.sampled_from([1.0, 61.0, 310.0, 1801.0]))
    def pass_time(self, seconds: float) -> None:
        """Time passes; Lambda ends the functions that take too long."""
        self.clock.time += seconds
        for actor in [*self.actors]:
            if self.clock.time - actor.began > FUNCTION_SECONDS:
                self._step(actor, Fate.BEFORE)

    def teardown(self) -> None:
        """Everything runs to its end."""
        try:
            if hasattr(self, "ids"):
                self._come_to_rest()
        finally:
            for actor in self.actors:
                while not actor.is_over:
                    actor.step(Fate.BEFORE)
            self._places.close()
            self._folder.cleanup()

    def _come_to_rest(self) -> None:
        for actor in [*self.actors]:
            self._run_through(actor)
        for _ in range(ROUNDS):
            self.clock.time += 1801.0
            self._alone("sweep", _sweep)
            for name in self.ids:
                self._alone("deliver", partial(deliver, delivery_id=name))
        sent = self._sent()
        self.counts["mails"] += len(self.ids)
        for name, status in self._statuses().items():
            assert status in _ENDS, f"{status} at rest"
            assert status != "CANCELLED" or self.may_cancel, "cancelled by nobody"
            assert sent[name] or status not in _KNOWN, f"{status} and never sent"
            is_reported = any(outcome == "HELD" for outcome, _ in self.announced[name])
            assert status != "HELD" or is_reported, "held, and nothing was announced"
        self.counts["in doubt"] += sum(
            each.doubted_attempt is not None
            for each in self.world.services.outbox.of_export(EXPORT)
        )
        assert not [*self.world.services.outbox.due(9e9, 10)], "an entry is left"

    def _statuses(self) -> dict[str, str]:
        """Of the mails, from moto's memory."""
        partition = self.world.keys.export(EXPORT)[0]
        items = read_partition(ACCOUNT, REGION, self.world.settings.table_name, partition)
        return {
            sk.removeprefix("MAIL#"): item["status"]["S"]
            for sk, item in items.items()
            if sk.startswith("MAIL#")
        }

    def _sent(self) -> Counter[str]:
        taken = (each.detail["mail"]["tags"] for each in self.ses.events if each.kind == "Send")
        return Counter(tags["DeliveryId"][0] for tags in taken)

    def _bring(self, number: int) -> None:
        event = self.ses.events[number]
        found = mail_event_of(as_brought(event, event.at))
        assert found is not None
        self._begin(f"event {number}", lambda services: settle(services, found))

    def _begin(self, name: str, flow: Callable[[Services], object]) -> None:
        if len(self.actors) == MAX_ACTORS:
            self._run_through(self.actors[0])
        assert self.session is not None
        services = make_services(
            self.world.settings, self.session, now=self.clock.now, sleep=self.clock.sleep
        )
        equip(services, self.client)
        self.counts["functions"] += 1
        actor = Actor(name, lambda: flow(services), self._hear, self.clock.now())
        if not actor.is_over:
            self.actors.append(actor)

    def _alone(self, name: str, flow: Callable[[Services], object]) -> None:
        self._begin(name, flow)
        for actor in [*self.actors]:
            self._run_through(actor)

    def _run_through(self, actor: Actor) -> None:
        while not actor.is_over:
            self._step(actor, None)

    def _step(self, actor: Actor, fate: Fate | None) -> None:
        text = f"{actor.name} {fate or 'does'} {actor.at}"
        self.counts["calls"] += 1
        self.clock.time += CALL_SECONDS
        actor.step(fate)
        if actor.is_over:
            self.actors.remove(actor)
        if actor.error is not None:
            raise AssertionError(f"{text}: {type(actor.error).__name__}") from actor.error
        sent = self._sent()
        for name, status in self._statuses().items():
            again = sum(outcome == "SENT_AGAIN" for outcome, _ in self.announced[name])
            assert sent[name] <= 1 + again, f"{text}: sent {sent[name]} times, {again} reported"
            known = _KNOWN.get(status, 0)
            assert known >= self.known.get(name, 0), f"{text}: less is known of a mail than before"
            self.known[name] = known

    def _hear(self, operation: str, body: dict[str, Any]) -> None:
        for entry in body["Entries"] if operation == "events.PutEvents" else ():
            detail = json.loads(entry["Detail"])
            name = detail.get("DeliveryId", "")
            self.announced[name].add((detail.get("Outcome"), detail.get("Attempt")))


def _sweep(services: Services) -> None:
    sweep(services, services.now() + 60.0)


def _cancel(services: Services) -> None:
    with suppress(AlreadyEndedError):
        cancel(services, EXPORT)

"""A patch of ministack's SES v2 (`ministack/services/ses_v2.py`): real messages, limits, events.

Upstream answers SendEmail whatever the account's quotas are, forgets attachments, reports no
event, verifies identities by itself and keeps no suppression list. Here `local.mail` answers those
operations, on upstream's stores of identities and configuration sets; upstream keeps the rest.
`/_mail/` is a page of what was sent, and the tests' own way to change the account.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from typing import Any

from local.account.notifications import Notifications
from local.account.patching import require_source
from local.mail.addresses import bare
from local.mail.admin import ADMIN, answer_admin
from local.mail.events import Event
from local.mail.http_api import answer_request
from local.mail.mailbox import Mailbox
from local.mail.service import Caller, MailService, new_identity
from local.mail.settings import MailSettings

_SEND = ("POST", "/v2/email/outbound-emails")


def send_mail(
    app: Any, ses_v2: Any, eventbridge: Any, settings: MailSettings, mailbox: Mailbox
) -> MailService:
    """Answer SES v2's operations of sending, and publish its events on the default bus."""
    require_source("ses_v2.handle_request", ses_v2.handle_request, "cab4023919ec58ca")
    require_source("_handle_ses_v2_request", app._handle_ses_v2_request, "d8ceed7a55add055")
    late = LateEvents()

    def publish(event: Event, settings: MailSettings) -> None:
        entry = {"Entries": [event.entry()]}
        run = contextvars.copy_context().run  # upstream knows the account and region by it
        put = partial(run, eventbridge._put_events, entry, allow_aws_source=True)
        late.publish(event, put, settings)

    service = MailService(
        settings,
        mailbox,
        identities=ses_v2._identities,
        configuration_sets=ses_v2._config_sets,
        publish=publish,
        now=time.time,
    )
    ses_v2.handle_request = _answering(service, ses_v2)
    app._handle_ses_v2_request = _showing(service, app, ses_v2)
    return service


def take_the_default_bus_only(ses_v2: Any) -> None:
    """Refuse an event destination on another bus, as SES does (EventBridgeDestination)."""
    upstream = ses_v2._event_destination
    require_source("_event_destination", upstream, "c12acd7af87f58e7")

    def destination(definition: Mapping[str, Any]) -> Any:
        bus = (definition.get("EventBridgeDestination") or {}).get("EventBusArn", "")
        if definition.get("EventBridgeDestination") and not bus.endswith(":event-bus/default"):
            text = "Only the default event bus is supported."
            return None, ses_v2._json_err("BadRequestException", text)
        return upstream(definition)

    ses_v2._event_destination = destination


def verify_nothing_by_itself(provisioners: Any) -> None:
    """Let an identity of a stack wait for its owner, as one that is made by the API does."""
    upstream = provisioners._ses_email_identity_apply
    require_source("_ses_email_identity_apply", upstream, "020f6f9809484923")

    def apply(identity: str, props: Mapping[str, Any]) -> Any:
        known = provisioners._ses_v2._identities
        if identity not in known:
            known[identity] = new_identity(identity)
        return upstream(identity, props)

    provisioners._ses_email_identity_apply = apply


def judge_senders(app: Any, ses_v2: Any, service: MailService) -> None:
    """Authorize SendEmail on the identity that sends and on the configuration set that it names.

    Upstream asks for a right on `*`. A raw message needs `ses:SendRawEmail`, as denials that users
    report show. Source: Service Authorization Reference, Amazon SES v2, SendEmail.
    """
    upstream = app._enforce_ses_v2
    require_source("_enforce_ses_v2", upstream, "5dc09e3bd48720ae")

    def enforce(
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        request_id: str,
    ) -> Any:
        if not app.AUTH or (method, path) != _SEND:
            return upstream(method, path, headers, body, query_params, request_id)
        asked = json.loads(body or b"{}")
        sender = bare(str(asked.get("FromEmailAddress", "")))
        is_raw = bool((asked.get("Content") or {}).get("Raw"))
        arns = [ses_v2._resource_arn("identity", service.identity_of(sender, _caller(ses_v2)))]
        if name := asked.get("ConfigurationSetName"):
            arns.append(ses_v2._resource_arn("configuration-set", name))
        for arn in arns:
            denied = app._enforce_data_plane(
                "sesv2",
                "ses:SendRawEmail" if is_raw else "ses:SendEmail",
                headers,
                query_params,
                request_id,
                resource_arn=arn,
                named_resource=arn,
                service_context={"ses:FromAddress": sender},
            )
            if denied:
                return denied
        return None

    app._enforce_ses_v2 = enforce


def _caller(ses_v2: Any) -> Caller:
    """Of the request that is being answered."""
    return Caller(account=ses_v2.get_account_id(), region=ses_v2.get_region())


class LateEvents:
    """Publishes each event when it is due, late, twice or never, from a thread of its own."""

    def __init__(self, seed: int = 7) -> None:
        self._source = random.Random(seed)
        self._waiting: list[tuple[float, int, Callable[[], Any]]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        threading.Thread(target=self._run, daemon=True, name="ses-events").start()

    def publish(self, event: Event, put: Callable[[], Any], settings: MailSettings) -> None:
        """Put the event on its bus in time, as late as the settings draw it."""
        lateness = Notifications(
            median=settings.event_median,
            spread=settings.event_spread,
            lost=settings.events_lost,
            doubled=settings.events_doubled,
        )
        with self._changed:
            for late in lateness.draw(self._source):
                heapq.heappush(self._waiting, (event.at + late, next(self._numbers), put))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting or self._waiting[0][0] > time.time():
                    due = self._waiting[0][0] - time.time() if self._waiting else None
                    self._changed.wait(due)
                _, _, put = heapq.heappop(self._waiting)
            put()


def _answering(service: MailService, ses_v2: Any) -> Any:
    upstream = ses_v2.handle_request

    async def handle(
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query_params: Mapping[str, Any],
    ) -> Any:
        query = {
            name: value if isinstance(value, list) else [value]
            for name, value in query_params.items()
        }
        caller = _caller(ses_v2)
        asked = (service, caller, method, path, query, body)
        answer = await asyncio.to_thread(answer_request, *asked)  # 40 MB take seconds
        return answer or await upstream(method, path, headers, body, query_params)

    return handle


def _showing(service: MailService, app: Any, ses_v2: Any) -> Any:
    upstream = app._handle_ses_v2_request

    async def handle(
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        request_id: str,
    ) -> Any:
        if path.startswith(ADMIN):
            caller = _caller(ses_v2)
            asked = (service, caller, method, path, headers, body)
            return await asyncio.to_thread(answer_admin, *asked)
        return await upstream(method, path, headers, body, query_params, request_id)

    return handle

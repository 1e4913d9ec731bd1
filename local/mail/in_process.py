"""SES within a process: boto3's clients, real requests, no server. For tests on virtual time."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from local.mail.events import Event
from local.mail.http_api import answer_request
from local.mail.mailbox import Mailbox
from local.mail.service import Caller, MailService
from local.mail.settings import MailSettings


@dataclass
class MailInProcess:
    """SES with one configuration set, all of whose events come to `events` at once and once.

    `answer` is for `events.register("before-send.sesv2", ...)` of a client or a session of boto3's.
    """

    folder: Path
    settings: MailSettings = field(default_factory=MailSettings)
    now: Callable[[], float] = lambda: 0.0
    configuration_set: str = "reports"
    account: str = "123456789012"
    region: str = "us-east-1"
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mailbox = Mailbox(self.folder)
        self.identities: dict[str, Any] = {}
        bus = f"arn:aws:events:{self.region}:{self.account}:event-bus/default"
        destination = {
            "Enabled": True,
            "MatchingEventTypes": ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT",
                                   "DELIVERY_DELAY"],
            "EventBridgeDestination": {"EventBusArn": bus},
        }  # fmt: skip
        self.configuration_sets: dict[str, Any] = {
            self.configuration_set: {"EventDestinations": {"events": destination}}
        }
        self.service = MailService(
            self.settings,
            self.mailbox,
            identities=self.identities,
            configuration_sets=self.configuration_sets,
            publish=lambda event, _settings: self.events.append(event),
            now=self.now,
        )

    @property
    def caller(self) -> Caller:
        """For `service.call` and `service.change`."""
        return Caller(account=self.account, region=self.region)

    def answer(self, request: AWSPreparedRequest, **_more: Any) -> AWSResponse:
        """Answer a request of botocore's in place of its network."""
        url = urlsplit(request.url)
        answer = answer_request(
            self.service,
            self.caller,
            str(request.method),
            url.path,
            parse_qs(url.query),
            _bytes(request.body),
        )
        if answer is None:
            raise NotImplementedError(f"{request.method} {url.path} is not emulated in a process")
        status, headers, content = answer
        given = HTTPHeaders.from_dict(headers)
        return AWSResponse(request.url, status, given, _Raw(content))


def _bytes(body: Any) -> bytes:
    """JSON comes as bytes; there is none with a GET."""
    return bytes(body) if body else b""


class _Raw(io.BytesIO):
    """What botocore reads an answer from."""

    def stream(self, **_options: Any) -> Any:
        """All of it, in one piece."""
        yield self.read()

"""SES within the process: the account, the product's client of it, and its events on their way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from moto.core.models import botocore_stubber

from local.mail.events import Event
from local.mail.in_process import MailInProcess
from local.mail.settings import MailSettings
from snapshot_export.adapters.mail import SEND_CONFIG
from snapshot_export.adapters.services import Services
from tests.support.mails import MAIL, SENDER
from tests.support.world import ACCOUNT, REGION, World


def make_ses(folder: Path, now: Callable[[], float], **settings: Any) -> MailInProcess:
    """The deployment's SES; `settings` are those of the account."""
    return MailInProcess(
        folder,
        MailSettings(verified=(SENDER,), **settings),
        now=now,
        configuration_set=MAIL.configuration_set,
        account=ACCOUNT,
        region=REGION,
    )


def as_brought(event: Event, at: float) -> dict[str, Any]:
    """An event as EventBridge brings it to a function, with that time."""
    entry = event.entry()
    return {
        "source": entry["Source"],
        "detail-type": entry["DetailType"],
        "detail": json.loads(entry["Detail"]),
        "time": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def ses_client(answer: Callable[..., Any]) -> Any:
    """A client that `answer` answers, and moto does not."""
    client = boto3.Session(region_name=REGION).client("sesv2", config=SEND_CONFIG)
    client.meta.events.unregister("before-send", botocore_stubber)
    client.meta.events.register("before-send.sesv2", answer)
    return client


def equip(services: Services, client: Any) -> None:
    """Have a function's services call this SES."""
    services.mail.__dict__["_client"] = client


def link_by(world: World, url: str) -> None:
    """Have the world's mails link to files below `url`."""
    world.settings = replace(world.settings, links_url=url)
    world.services = replace(world.services, settings=world.settings)

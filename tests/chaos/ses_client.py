"""The product's client of SES, answered within the process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
from moto.core.models import botocore_stubber

from snapshot_export.adapters.mail import SEND_CONFIG
from snapshot_export.adapters.services import Services
from tests.support.world import REGION, World


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

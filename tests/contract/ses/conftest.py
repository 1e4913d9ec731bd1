"""SES in this process, seen through boto3 alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.mail import MailSettings
from local.mail.in_process import MailInProcess

SENDER = "reports@example.com"
RECIPIENT = "ada@customer.example"
SET = "reports"


@cache
def shared_client() -> Any:
    """Making it is what takes time."""
    config = Config(retries={"total_max_attempts": 1})
    return boto3.Session("test", "test", region_name="us-east-1").client("sesv2", config=config)


class Ses:
    """An account whose sender's domain is verified, its client, and a clock."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.at = 1_800_000_000.0
        limits: dict[str, Any] = {"verified": ("example.com",), "max_send_rate": 1000} | settings
        self.mail = MailInProcess(folder, MailSettings(**limits), now=lambda: self.at)
        self.client = shared_client()
        self.client.meta.events.unregister("before-send.sesv2", unique_id="ses")
        self.client.meta.events.register("before-send.sesv2", self.mail.answer, unique_id="ses")

    def send(self, *to: str, **members: Any) -> str:
        """A simple message, unless `Content` is another; its MessageId."""
        asked = {
            "FromEmailAddress": f"Reports <{SENDER}>",
            "Destination": {"ToAddresses": [*(to or (RECIPIENT,))]},
            "Content": simple(),
            "ConfigurationSetName": SET,
        } | members
        message_id: str = self.client.send_email(**asked)["MessageId"]
        return message_id

    def kinds(self) -> list[str]:
        """The events that came, in their order."""
        return [event.kind for event in self.mail.events]

    def detail(self, kind: str) -> Any:
        """The content of the one event of a kind."""
        (found,) = (event.detail for event in self.mail.events if event.kind == kind)
        return found


def simple(text: str = "Hello", **members: Any) -> dict[str, Any]:
    """Content of a simple message."""
    body = {"Text": {"Data": text}}
    return {"Simple": {"Subject": {"Data": "Your report"}, "Body": body} | members}


@pytest.fixture
def ses(tmp_path: Path) -> Ses:
    return Ses(tmp_path / "mail")

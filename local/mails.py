"""The mails of `make run` and `make up`: who sends them, with what, and to whom."""

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from local.deployed import Deployed
from local.examples import customer_of
from local.mail.mailbox import Mail
from snapshot_export.domain.delivery import export_id_of
from snapshot_export.domain.mail_event import ID_TAG

SENDER_DOMAIN = "example.org"
DOMAIN = "example.com"
_SET = "snapshot-mails"
_EVENTS = ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT"]
_STALLED_SECONDS = 60.0
_POLL_SECONDS = 0.5

EMAIL: dict[str, Any] = {
    "sender": f"reports@{SENDER_DOMAIN}",
    "configurationSet": _SET,
    "allowedDomains": [DOMAIN],
    "links": {"days": 7},
}
"""The deployment parameter `email`."""


def prepare_mails(deployed: Deployed) -> None:
    """Make what docs/delivery.md asks for before mails are sent; what is there stays."""
    deployed.change_mail("verify", EmailIdentity=SENDER_DOMAIN)
    ses = deployed.client("sesv2")
    account = deployed.outputs["QuickSightAccountId"]
    bus = f"arn:aws:events:{deployed.region}:{account}:event-bus/default"
    try:
        ses.create_configuration_set(ConfigurationSetName=_SET)
        ses.create_configuration_set_event_destination(
            ConfigurationSetName=_SET,
            EventDestinationName="eventbridge",
            EventDestination={
                "Enabled": True,
                "MatchingEventTypes": _EVENTS,
                "EventBridgeDestination": {"EventBusArn": bus},
            },
        )
    except ses.exceptions.AlreadyExistsException:
        pass


def mailed(message: Mapping[str, Any]) -> dict[str, Any]:
    """The message, with its files delivered to an address of its customer's own."""
    email = {
        "To": [f"{customer_of(dict(message))}@{DOMAIN}"],
        "Subject": "Your report of {date}",
        "Body": {
            "Text": "Good morning,\n\nattached is your report of {date}.\n",
            "Html": "<p>Good morning,</p><p>attached is your report of <b>{date}</b>.</p>",
        },
    }
    return {**message, "Delivery": {"Email": email}}


def wait_for_mails(deployed: Deployed, export_ids: Collection[str], expected: int) -> list[Mail]:
    """The mails of these exports, once there are so many, or when no more has come for long."""
    found: list[Mail] = []
    moved_at = time.monotonic()
    while len(found) < expected and time.monotonic() - moved_at < _STALLED_SECONDS:
        time.sleep(_POLL_SECONDS)
        now = [mail for mail in deployed.mailbox.read() if _export_of(mail) in export_ids]
        if len(now) > len(found):
            found, moved_at = now, time.monotonic()
    return found


def describe_mails(mails: Sequence[Mail]) -> str:
    """How many, with how many files, to how many people."""
    files = sum(len(mail.attachments) for mail in mails)
    addresses = {address for mail in mails for address in mail.recipients}
    return f"{len(mails)} mails with {files} files to {len(addresses)} addresses"


def _export_of(mail: Mail) -> str:
    """Empty for a mail that is not of an export."""
    return export_id_of(mail.tags.get(ID_TAG, ""))

"""Mails in the flow tests: moto's SES, with what it lacks, and the deliver function's work."""

from __future__ import annotations

import email
import json
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from typing import Any

import boto3
from botocore.exceptions import ClientError, ReadTimeoutError

from snapshot_export.domain.delivery import Delivery
from snapshot_export.domain.mail_event import mail_event_of
from snapshot_export.flows.delivery.deliver import deliver
from snapshot_export.flows.delivery.settle import settle
from snapshot_export.settings import MailSettings
from tests.support.world import World

SENDER = "reports@sender.example"
MAIL = MailSettings(
    sender=SENDER,
    configuration_set="snapshot-mails",
    allowed_domains=frozenset({"example.com"}),
    in_doubt="HOLD",
    in_doubt_minutes=60,
    max_per_second=10,
)


@dataclass(frozen=True)
class Sent:
    """One call of SendEmail that SES took."""

    message_id: str
    address: str
    tags: dict[str, str]
    configuration_set: str
    message: EmailMessage

    @property
    def attachments(self) -> dict[str, bytes]:
        """What it carries, by name."""
        files: dict[str, Any] = {
            str(each.get_filename()): each.get_payload(decode=True)
            for each in self.message.iter_attachments()
        }
        return files

    @property
    def only_file(self) -> bytes:
        """The one file that it carries."""
        (data,) = self.attachments.values()
        return data

    @property
    def text(self) -> str:
        """Its plain text."""
        part = self.message.get_body(("plain",))
        assert part is not None
        return str(part.get_content())

    @property
    def html(self) -> str:
        """Its HTML."""
        part = self.message.get_body(("html",))
        assert part is not None
        return str(part.get_content())


class Ses:
    """moto's SES v2 with a quota; `fate` is what the next calls of SendEmail come to.

    A fate is an error's code, or LOST: SES takes the mail and the answer is lost.
    """

    LOST = "LOST"

    def __init__(self, session: boto3.Session) -> None:
        self._client = session.client("sesv2")
        self._client.create_email_identity(EmailIdentity=SENDER)
        session.client("ses").verify_email_identity(EmailAddress=SENDER)
        self.sent: list[Sent] = []
        self.calls = 0
        self.fates: list[str] = []
        self.quota: dict[str, Any] = {
            "Max24HourSend": 50_000.0,
            "MaxSendRate": 14.0,
            "SentLast24Hours": 0.0,
        }

    def get_account(self) -> dict[str, Any]:
        return {"SendQuota": dict(self.quota)}

    def send_email(self, **request: Any) -> dict[str, Any]:
        self.calls += 1
        fate = self.fates.pop(0) if self.fates else ""
        if fate not in ("", self.LOST):
            answer = {"Error": {"Code": fate}, "ResponseMetadata": {"HTTPStatusCode": 400}}
            raise ClientError(answer, "SendEmail")  # type: ignore[arg-type]
        message_id = self._client.send_email(**request)["MessageId"]
        message = email.message_from_bytes(request["Content"]["Raw"]["Data"], policy=default)
        (address,) = request["Destination"]["ToAddresses"]
        self.sent.append(
            Sent(
                message_id=message_id,
                address=address,
                tags={each["Name"]: each["Value"] for each in request["EmailTags"]},
                configuration_set=request["ConfigurationSetName"],
                message=message,
            )
        )
        if fate == self.LOST:
            raise ReadTimeoutError(endpoint_url="https://email.us-east-1.amazonaws.com")
        return {"MessageId": message_id}


def install_ses(world: World) -> Ses:
    """SES behind the world's mails."""
    ses = Ses(world.session)
    world.services.mail.__dict__["_client"] = ses
    return ses


def deliver_all(world: World) -> int:
    """Do what the delivery queue asks for until it is empty; answers how many messages."""
    sqs, url, done = world.session.client("sqs"), world.settings.delivery_queue_url, 0
    assert url is not None
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for each in messages:
            body = json.loads(each["Body"])
            deliver(world.services.for_target(body["Target"]), body["DeliveryId"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
            done += 1
    return done


def ses_event(world: World, kind: str, sent: Sent, **detail: Any) -> dict[str, Any]:
    """An event of SES's as EventBridge brings it."""
    return {
        "version": "0",
        "source": "aws.ses",
        "detail-type": kind,
        "time": world.services.utc_now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "detail": {
            "eventType": kind.split()[1],
            "mail": {
                "messageId": sent.message_id,
                "destination": [sent.address],
                "tags": {name: [value] for name, value in sent.tags.items()},
            },
            **detail,
        },
    }


def bring(world: World, event: dict[str, Any]) -> None:
    """Have an event of SES's settled."""
    mail_event = mail_event_of(event)
    assert mail_event is not None
    settle(world.services, mail_event)


def mails_of(world: World, export_id: str) -> list[Delivery]:
    """The records of an export's mails."""
    return world.services.outbox.of_export(export_id)


def open_mails(world: World) -> list[str]:
    """Ids of the mails that something is still to be done for."""
    return [each.delivery_id for each in world.services.outbox.due(9e9, 1000)]

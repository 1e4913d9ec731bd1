"""SES v2: mails out, and how many may go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from snapshot_export.adapters.aws_errors import code_of, transient
from snapshot_export.adapters.table.dynamodb import Table
from snapshot_export.adapters.table.pacer import Pacer
from snapshot_export.domain.delivery import Delivery
from snapshot_export.domain.mail_event import ATTEMPT_TAG, ID_TAG
from snapshot_export.errors import (
    MailDoubtError,
    MailLaterError,
    MailRefusedError,
    MailStoppedError,
    SettingsError,
)
from snapshot_export.settings import MailSettings

QUOTA_SECONDS = 60.0
"""An account's quota is read once in so long, by each execution environment."""
MAX_TURN_SECONDS = 30.0
SEND_CONFIG = Config(
    connect_timeout=3, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 1}
)
"""botocore would repeat a call whose answer was lost, and the mail with it."""
_LATER = {"TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling"}
_STOPPED = {
    "AccountSuspendedException",
    "SendingPausedException",
    "MailFromDomainNotVerifiedException",
    "NotFoundException",
    "AccessDeniedException",
    "AccessDenied",
    "UnrecognizedClientException",
    "ExpiredTokenException",
}
_SERVER_ERROR = 500


@dataclass(frozen=True, kw_only=True)
class Quota:
    """What SES lets the account send: mails a second, and how many more within 24 hours.

    `left` is None for an account without a limit.
    """

    per_second: float
    left: float | None
    read_at: float


class Mail:
    """Mails of one sender; `settings` are None where none are sent.

    The turns of all functions together are at SES's rate, and under the deployment's own.
    """

    def __init__(
        self,
        session: boto3.Session,
        table: Table,
        settings: MailSettings | None,
        *,
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._session = session
        self._table = table
        self._given = settings
        self._now = now
        self._sleep = sleep
        self._quota: Quota | None = None
        self._pacer: Pacer | None = None

    @property
    def settings(self) -> MailSettings:
        """Raises SettingsError where no mails are sent."""
        if self._given is None:
            raise SettingsError("environment: EMAIL is not set")
        return self._given

    def take_turn(self) -> None:
        """Return when one mail may be sent. Raises MailLaterError, NoTurnError, TransientError."""
        quota = self._read_quota()
        if quota.left is not None and quota.left < 1:
            raise MailLaterError("DAILY_QUOTA")
        self._paced(quota).take_turn(MAX_TURN_SECONDS)

    def send(self, delivery: Delivery, message: bytes) -> str:
        """Hand a mail to SES, once; answers SES's id of it.

        Raises MailLaterError, MailStoppedError and MailRefusedError where SES did not take it, and
        MailDoubtError where it may have.
        """
        own = self.settings
        try:
            answer = self._client.send_email(
                FromEmailAddress=own.sender,
                Destination={"ToAddresses": [delivery.address]},
                Content={"Raw": {"Data": message}},
                ConfigurationSetName=own.configuration_set,
                EmailTags=[
                    {"Name": ID_TAG, "Value": delivery.delivery_id},
                    {"Name": ATTEMPT_TAG, "Value": str(delivery.attempt)},
                ],
            )
        except ClientError as error:
            raise self._translated(error) from None
        except BotoCoreError as error:
            raise MailDoubtError(type(error).__name__) from None
        self._count_sent()
        return str(answer["MessageId"])

    @cached_property
    def _client(self) -> Any:
        return self._session.client("sesv2", config=SEND_CONFIG)

    def _translated(self, error: ClientError) -> Exception:
        code = code_of(error)
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if code in _LATER:
            self._quota = None
            if self._pacer is not None:
                self._pacer.slow_down()
            return MailLaterError(code)
        if code in _STOPPED:
            return MailStoppedError(code)
        return MailDoubtError(code) if status >= _SERVER_ERROR else MailRefusedError(code)

    def _read_quota(self) -> Quota:
        now = self._now()
        if self._quota is None or now - self._quota.read_at >= QUOTA_SECONDS:
            with transient("GetAccount"):
                given = self._client.get_account().get("SendQuota", {})
            most = given.get("Max24HourSend", -1.0)
            self._quota = Quota(
                per_second=given.get("MaxSendRate", 1.0),
                left=None if most < 0 else most - given.get("SentLast24Hours", 0.0),
                read_at=now,
            )
        return self._quota

    def _count_sent(self) -> None:
        quota = self._quota
        if quota is not None and quota.left is not None:
            self._quota = Quota(
                per_second=quota.per_second, left=quota.left - 1, read_at=quota.read_at
            )

    def _paced(self, quota: Quota) -> Pacer:
        rate = max(0.1, min(quota.per_second, self.settings.max_per_second))
        if self._pacer is None:
            self._pacer = Pacer(
                self._table,
                ("MAIL", "PACER"),
                calls_per_second=rate,
                now=self._now,
                sleep=self._sleep,
            )
        self._pacer.allow(rate)
        return self._pacer

"""QuickSight clients with the credentials of a role that was assumed.

Credentials live in this function's memory until shortly before they end, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from snapshot_export.errors import (
    QuickSightError,
    QuickSightThrottledError,
    QuickSightUnavailableError,
    RefusedError,
)

if TYPE_CHECKING:
    from mypy_boto3_quicksight import QuickSightClient
    from mypy_boto3_sts import STSClient

SESSION_NAME = "snapshot-export"
SESSION_SECONDS = 3600
"""The most that a role may ask for which was assumed itself, as a function's is.
Source: IAM User Guide, "Role chaining"."""
KEPT_SECONDS = 3000.0
"""Well before the session's end, new credentials are made."""
_PASSING = {
    "Throttling": QuickSightThrottledError,
    "ThrottlingException": QuickSightThrottledError,
    "InternalFailureException": QuickSightUnavailableError,
}


class AssumedRole:
    """The client of one role in one region, made anew before its credentials end."""

    def __init__(
        self,
        sts: STSClient,
        *,
        role_arn: str,
        external_id: str | None,
        region: str,
        config: Config,
        now: Callable[[], float],
    ) -> None:
        self._sts = sts
        self._request: dict[str, Any] = {"RoleArn": role_arn, "DurationSeconds": SESSION_SECONDS}
        if external_id is not None:
            self._request["ExternalId"] = external_id
        self._region = region
        self._config = config
        self._now = now
        self._made: tuple[QuickSightClient, float] | None = None

    def client(self) -> QuickSightClient:
        """A client that calls as the role. Raises QuickSightError: RefusedError if it may not."""
        if self._made is None or self._now() >= self._made[1]:
            try:
                made = client_as(self._sts, self._request, self._region, self._config)
            except (ClientError, BotoCoreError) as error:
                raise refusal_of(error, "no credentials for the target's role") from None
            self._made = (made, self._now() + KEPT_SECONDS)
        return self._made[0]


def client_as(
    sts: STSClient, request: dict[str, Any], region: str, config: Config
) -> QuickSightClient:
    """A client with the credentials that AssumeRole gives. Raises botocore's exceptions."""
    return session_as(sts, request, region).client("quicksight", config=config)


def session_as(sts: STSClient, request: dict[str, Any], region: str) -> boto3.Session:
    """A session with the credentials that AssumeRole gives. Raises botocore's exceptions."""
    answer = sts.assume_role(RoleSessionName=SESSION_NAME, **request)
    credentials = answer["Credentials"]
    return boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=region,
    )


def refusal_of(error: ClientError | BotoCoreError, text: str) -> QuickSightError:
    """Why there are no credentials, as one of ours; `text` says for whom."""
    if not isinstance(error, ClientError):
        return QuickSightUnavailableError(type(error).__name__)
    code = error.response["Error"]["Code"]
    known: type[QuickSightError] = _PASSING.get(code, RefusedError)
    if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
        known = QuickSightUnavailableError
    return known(code.removesuffix("Exception"), f"{text}: {error.operation_name}")

"""The account under examination: how it is asked, and what earlier checks have learned of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from snapshot_export.domain.gate import DEFAULT_JOB_LIMIT
from snapshots.api import Api
from snapshots.connection import Account

_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
)
_UNKNOWN = frozenset(
    {"InvalidAction", "UnknownOperationException", "UnsupportedOperation", "NotImplemented"}
)
_OTHER_NAMES = {
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
}
"""Operations whose right in IAM is called otherwise."""


class RefusedError(Exception):
    """AWS refused a call; `action` is the right, in IAM's words, that the call needs."""

    def __init__(self, action: str, error: ClientError) -> None:
        answer = error.response.get("Error", {})
        self.action = action
        self.code = str(answer.get("Code") or "Unknown")
        self.message = " ".join(str(answer.get("Message") or "no reason given").split())
        super().__init__(f"{action}: {self.code}: {self.message}")

    @property
    def is_denied(self) -> bool:
        """Whether the caller lacks the right, or an organization's policy takes it."""
        return self.code in _DENIED

    @property
    def is_unknown(self) -> bool:
        """Whether the account does not know the operation at all, as emulators do.

        botocore's code is the HTTP status where an answer holds none of AWS's.
        """
        return self.code in _UNKNOWN or self.code.isdecimal()


@dataclass(kw_only=True)
class Case:
    """What is asked for (`dashboards`, `buckets`, the checkout's `parameters`) and was learned.

    Calls are answered members by name; a refusal is a RefusedError, silence botocore's own error.
    """

    open_account: Callable[[], Account]
    open_api: Callable[[], Api]
    now: Callable[[], datetime]
    stack_name: str
    profile: str | None = None
    dashboards: Sequence[str] = ()
    buckets: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    account_id: str = ""
    caller_arn: str = ""
    clock_skew: float | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mail_account: Mapping[str, Any] | None = None
    mail_identity: str = ""
    _clients: dict[tuple[str, str | None], Any] = field(default_factory=dict)

    @cached_property
    def account(self) -> Account:
        """The account; raises CliError without a region or with an unknown profile."""
        return self.open_account()

    @property
    def quicksight_account(self) -> str:
        """Whose QuickSight is used: the stack's, or the parameters', or the caller's own."""
        chosen = self.outputs.get("QuickSightAccountId") or self.parameters.get(
            "quicksightAccountId"
        )
        return chosen or self.account_id

    @property
    def quicksight_region(self) -> str:
        """Where the dashboards are: the stack's, or the parameters', or the account's region."""
        chosen = self.outputs.get("QuickSightRegion") or self.parameters.get("quicksightRegion")
        return chosen or self.account.region

    @property
    def identity_region(self) -> str:
        """Where the account's users are asked for: the deployment's, or the parameters'."""
        if self.environment:
            chosen = self.environment.get("IDENTITY_REGION")
        else:
            chosen = self.parameters.get("identityRegion")
        return chosen or self.quicksight_region

    @property
    def job_limit(self) -> int:
        """snapshotJobLimit of the deployment, or of the parameters."""
        deployed = self.environment.get("SNAPSHOT_JOB_LIMIT")
        return int(deployed or self.parameters.get("snapshotJobLimit") or DEFAULT_JOB_LIMIT)

    @property
    def all_jobs(self) -> int:
        """How many jobs may run at a time: of the default target and of all others."""
        if self.environment:
            targets = json.loads(self.environment.get("TARGETS") or "{}")
            limits = [each["snapshot_job_limit"] for each in targets.values()]
        else:
            targets = self.parameters.get("targets") or {}
            limits = [
                each.get("snapshotJobLimit") or DEFAULT_JOB_LIMIT for each in targets.values()
            ]
        return self.job_limit + sum(map(int, limits))

    @property
    def environment(self) -> Mapping[str, str]:
        """The deployed start function's variables, {} before the deployment."""
        variables: Mapping[str, str] = (
            self.functions.get("start", {}).get("Environment", {}).get("Variables", {})
        )
        return variables

    @property
    def mail(self) -> Mapping[str, Any]:
        """`email` of the deployment, or of the parameters; {} where no mails are sent."""
        if self.environment:
            deployed: Mapping[str, Any] = json.loads(self.environment.get("EMAIL") or "{}")
            return deployed
        given = self.parameters.get("email") or {}
        names = {"sender": "sender", "configurationSet": "configuration_set",
                 "maxPerSecond": "max_per_second"}  # fmt: skip
        return {names[name]: value for name, value in given.items() if name in names}

    @property
    def password_prefix(self) -> str:
        """passwordSecrets of the deployment, or of the parameters; "" where files have none."""
        if self.environment:
            return self.environment.get("PASSWORD_SECRETS", "")
        return str(self.parameters.get("passwordSecrets") or "")

    @property
    def mails_per_second(self) -> float | None:
        """As many as the deployment sends at most; None if it does not say."""
        found = self.mail.get("max_per_second")
        return None if found is None else float(found)

    @property
    def allowed_buckets(self) -> Sequence[str] | None:
        """allowedBuckets of the deployment, or of the parameters; None if neither is known."""
        if self.environment:
            return self.environment.get("ALLOWED_BUCKETS", "").split(",")
        return self.parameters.get("allowedBuckets")

    def call(self, service: str, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation; QuickSight's in its region and, as a rule, for its account."""
        region = None
        if service == "quicksight":
            region = self.quicksight_region
            members = {"AwsAccountId": self.quicksight_account, **members}
        client = self._clients.get((service, region))
        if client is None:
            client = self._clients[service, region] = self.account.client(service, region)
        try:
            answer: dict[str, Any] = getattr(client, xform_name(operation))(**members)
        except ClientError as error:
            action = f"{client.meta.service_model.signing_name}:{operation}"
            raise RefusedError(_OTHER_NAMES.get(action, action), error) from error
        return answer

    @property
    def partition(self) -> str:
        """What ARNs begin with: `aws`, or that of China or a government's cloud."""
        return str(self.account.session.get_partition_for_region(self.quicksight_region))

    def quicksight_arn(self, resource: str) -> str:
        """The ARN of something of QuickSight's."""
        where = f"{self.quicksight_region}:{self.quicksight_account}"
        return f"arn:{self.partition}:quicksight:{where}:{resource}"

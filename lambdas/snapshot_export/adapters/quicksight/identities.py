"""Registered users: clients with a user's identity-enhanced credentials.

GetIdentityContext gives a token for the user, AssumeRole takes it as a provided context. It is
called in the region where the account's users are, and names the region of the jobs as
ContextRegion if that is another [? context-region]. The credentials live in this function's memory
for less than their 15 minutes, and nowhere else. Source: QuickSight API reference,
GetIdentityContext ("Usage with STS AssumeRole"), and its ContextRegion in the service model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from snapshot_export.adapters.quicksight.assumed_roles import client_as, refusal_of
from snapshot_export.adapters.table.pacer import Pacer

if TYPE_CHECKING:
    from mypy_boto3_quicksight import QuickSightClient
    from mypy_boto3_sts import STSClient

PROVIDER = "arn:{partition}:iam::aws:contextProvider/QuickSight"
SESSION_SECONDS = 900
KEPT_SECONDS = 600.0
"""Well before the session's end, new credentials are made."""
MAX_KEPT = 100


class Identities:
    """Clients of registered users, each made once for some minutes."""

    def __init__(
        self,
        *,
        quicksight: Callable[[], QuickSightClient],
        identity_region: str,
        sts: STSClient,
        account_id: str,
        role_arn: str,
        region: str,
        config: Config,
        now: Callable[[], float],
    ) -> None:
        self._quicksight = quicksight
        self._elsewhere = {"ContextRegion": region} if identity_region != region else {}
        self._sts = sts
        self._account_id = account_id
        self._role_arn = role_arn
        self._region = region
        self._config = config
        self._now = now
        self._clients: dict[str, tuple[QuickSightClient, float]] = {}

    def client_for(self, user: Mapping[str, str], pacer: Pacer) -> QuickSightClient:
        """A client that calls as this user (members of RegisteredUser).

        Raises QuickSightError: RefusedError for a user that is not there or a role that may not.
        """
        key = json.dumps(user, sort_keys=True)
        client, until = self._clients.get(key, (None, 0.0))
        if client is not None and self._now() < until:
            return client
        pacer.take_turn()
        try:
            made = self._make_client(user)
        except (ClientError, BotoCoreError) as error:
            raise refusal_of(error, "no credentials for the registered user") from None
        if len(self._clients) >= MAX_KEPT:
            self._clients.clear()
        self._clients[key] = (made, self._now() + KEPT_SECONDS)
        return made

    def _make_client(self, user: Mapping[str, str]) -> QuickSightClient:
        identifier = {name: value for name, value in user.items() if name != "Namespace"}
        namespace = {name: value for name, value in user.items() if name == "Namespace"}
        context = self._quicksight().get_identity_context(
            AwsAccountId=self._account_id,
            UserIdentifier=identifier,  # type: ignore[arg-type]
            **namespace,
            **self._elsewhere,
        )["Context"]
        provider = PROVIDER.format(partition=self._sts.meta.partition)
        request = {
            "RoleArn": self._role_arn,
            "DurationSeconds": SESSION_SECONDS,
            "ProvidedContexts": [{"ProviderArn": provider, "ContextAssertion": context}],
        }
        return client_as(self._sts, request, self._region, self._config)

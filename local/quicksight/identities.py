"""Registered users: GetIdentityContext gives a token for one, which STS takes (sts.py).

Tokens are random and expire. Source: QuickSight API reference, GetIdentityContext ("Usage with STS
AssumeRole").
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.quicksight.errors import ServiceError

CONTEXT_SECONDS = 600.0
_DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True)
class Context:
    """Whose a token is, and the region where it is good."""

    user: str
    region: str
    expires_at: float


class Identities:
    """The account's registered users `manager-1` to `manager-8`, each with some customers."""

    def __init__(self, account: str, region: str) -> None:
        self._region = region
        self._scope = f"{region}:{account}"
        self._users = [f"manager-{number}" for number in range(1, 9)]
        self._contexts: dict[str, Context] = {}

    def give_context(self, members: Mapping[str, Any], now: float) -> str:
        """GetIdentityContext's token. Raises ServiceError."""
        identifier = members["UserIdentifier"]
        if len(identifier) != 1:
            text = "UserIdentifier must have exactly one member"
            raise ServiceError("InvalidParameterValueException", text)
        ((kind, value),) = identifier.items()
        namespace = members.get("Namespace")
        if kind != "UserArn" and not namespace:
            text = "Namespace is required with UserName and Email"
            raise ServiceError("InvalidParameterValueException", text)
        user = next((name for name in self._users if self._known_as(name)[kind] == value), None)
        if user is None or namespace not in (None, _DEFAULT_NAMESPACE):
            raise ServiceError("ResourceNotFoundException", "The user is not found.")
        token = f"emulated-context/{secrets.token_urlsafe(24)}"
        region = members.get("ContextRegion", self._region)
        self._contexts[token] = Context(user, region, now + CONTEXT_SECONDS)
        return token

    def context_of(self, token: str, now: float) -> Context | None:
        """The context of a token that was given here and is still good, or None."""
        found = self._contexts.get(token)
        return found if found is not None and now < found.expires_at else None

    def _known_as(self, name: str) -> dict[str, str]:
        return {
            "UserName": name,
            "Email": f"{name}@example.org",
            "UserArn": f"arn:aws:quicksight:{self._scope}:user/{_DEFAULT_NAMESPACE}/{name}",
        }

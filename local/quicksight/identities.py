"""Registered users: GetIdentityContext gives a token for one, which STS takes (sts.py).

Tokens are random and expire. Source: QuickSight API reference, GetIdentityContext ("Usage with STS
AssumeRole").
"""

import secrets
from collections.abc import Mapping
from typing import Any

from local.quicksight.errors import ServiceError

CONTEXT_SECONDS = 600.0
_DEFAULT_NAMESPACE = "default"


class Identities:
    """The account's registered users `manager-1` to `manager-8`, each with some customers."""

    def __init__(self, account: str, region: str) -> None:
        self._scope = f"{region}:{account}"
        self._users = [f"manager-{number}" for number in range(1, 9)]
        self._contexts: dict[str, tuple[str, float]] = {}

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
        self._contexts[token] = (user, now + CONTEXT_SECONDS)
        return token

    def user_of(self, context: str, now: float) -> str | None:
        """The user of a context that was given here and is still good, or None."""
        user, expires = self._contexts.get(context, ("", 0.0))
        return user if now < expires else None

    def _known_as(self, name: str) -> dict[str, str]:
        return {
            "UserName": name,
            "Email": f"{name}@example.org",
            "UserArn": f"arn:aws:quicksight:{self._scope}:user/{_DEFAULT_NAMESPACE}/{name}",
        }

"""Registered users and their identity-enhanced credentials.

GetIdentityContext gives a token for a user; STS's AssumeRole, of which this emulator serves the one
form that is needed, takes it as a provided context and gives credentials of that user's. Tokens and
credentials are random, belong together, and expire. Source: QuickSight API reference,
GetIdentityContext ("Usage with STS AssumeRole").
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.quicksight.errors import ServiceError

PROVIDER = "arn:aws:iam::aws:contextProvider/QuickSight"
CONTEXT_SECONDS = 600.0
SESSION = "emulated-session/"
_DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True)
class Credentials:
    """What AssumeRole gave, and for whom."""

    access_key: str
    secret_key: str
    session_token: str
    user: str
    expires_at: float


class StsError(Exception):
    """A refusal of STS; `code` as in its answers."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Identities:
    """The account's registered users `manager-1` to `manager-8`, each with some customers."""

    def __init__(self, account: str, region: str) -> None:
        self._scope = f"{region}:{account}"
        self._users = [f"manager-{number}" for number in range(1, 9)]
        self._contexts: dict[str, tuple[str, float]] = {}
        self._sessions: dict[str, Credentials] = {}

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

    def assume_role(self, form: Mapping[str, str], now: float) -> Credentials:
        """AssumeRole with this service's context. Raises StsError."""
        if not form.get("RoleArn", "").startswith("arn:aws:iam::") or not form.get(
            "RoleSessionName"
        ):
            raise StsError("ValidationError", "RoleArn and RoleSessionName are required")
        if form.get("ProvidedContexts.member.1.ProviderArn") != PROVIDER:
            raise StsError("ValidationError", f"ProviderArn must be {PROVIDER}")
        token = form.get("ProvidedContexts.member.1.ContextAssertion", "")
        user, expires = self._contexts.get(token, ("", 0.0))
        if now >= expires:
            raise StsError("AccessDenied", "The context assertion is not valid.", 403)
        seconds = int(form.get("DurationSeconds", "3600"))
        if not 900 <= seconds <= 43200:
            raise StsError("ValidationError", "DurationSeconds must be 900 to 43200")
        made = Credentials(
            access_key=f"ASIA{secrets.token_hex(8).upper()}",
            secret_key=secrets.token_urlsafe(30),
            session_token=f"{SESSION}{secrets.token_urlsafe(24)}",
            user=user,
            expires_at=now + seconds,
        )
        self._sessions[made.session_token] = made
        return made

    def user_of(self, access_key: str, session_token: str, now: float) -> str | None:
        """The user of a session's credentials, or None for credentials of nobody's.

        Raises ServiceError for a session that is over or that another key belongs to.
        """
        if not session_token.startswith(SESSION):
            return None
        found = self._sessions.get(session_token)
        if found is None or found.access_key != access_key:
            text = "The security token included in the request is invalid."
            raise ServiceError("UnrecognizedClientException", text, http_status=403)
        if now >= found.expires_at:
            text = "The security token included in the request is expired"
            raise ServiceError("ExpiredTokenException", text, http_status=403)
        return found.user

    def _known_as(self, name: str) -> dict[str, str]:
        return {
            "UserName": name,
            "Email": f"{name}@example.org",
            "UserArn": f"arn:aws:quicksight:{self._scope}:user/{_DEFAULT_NAMESPACE}/{name}",
        }


def write_credentials(made: Credentials) -> str:
    """AssumeRole's answer, as XML of STS's query protocol."""
    expiration = datetime.fromtimestamp(made.expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    members = {
        "AccessKeyId": made.access_key,
        "SecretAccessKey": made.secret_key,
        "SessionToken": made.session_token,
        "Expiration": expiration,
    }
    text = "".join(f"<{name}>{value}</{name}>" for name, value in members.items())
    return (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
        f"<Credentials>{text}</Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )


def write_sts_error(error: StsError) -> str:
    """A refusal, as XML of STS's query protocol."""
    return (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>Sender</Type><Code>{error.code}</Code><Message>{error}</Message>"
        "</Error></ErrorResponse>"
    )

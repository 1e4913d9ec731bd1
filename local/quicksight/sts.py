"""STS's AssumeRole, in the two forms that callers of QuickSight need.

With a context of GetIdentityContext it gives a registered user's credentials, from whatever role;
without one it gives those of a role that is known here. Credentials are random and expire; they
belong to the role's account. Source: STS API reference, AssumeRole.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from local.quicksight.errors import ServiceError
from local.quicksight.identities import Context

PROVIDER = "arn:aws:iam::aws:contextProvider/QuickSight"
SESSION = "emulated-session/"
MAX_SECONDS = 3600
"""Who assumes a role with a role's credentials, as functions do, gets an hour at most."""

_ROLE = re.compile(r"arn:aws:iam::(\d{12}):role/.+")


@dataclass(frozen=True)
class Credentials:
    """What AssumeRole gave: for the role's account, and maybe a registered user in a region."""

    access_key: str
    secret_key: str
    session_token: str
    account: str
    context: Context | None
    expires_at: float


class StsError(Exception):
    """A refusal of STS; `code` as in its answers."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Sts:
    """Sessions of the `home` account's callers. `roles` are those known, with external ids.

    `context_of` finds the registered user's context of a token that is good.
    """

    def __init__(
        self,
        home: str,
        roles: Mapping[str, str | None],
        context_of: Callable[[str, float], Context | None],
    ) -> None:
        self._home = home
        self._roles = roles
        self._context_of = context_of
        self._sessions: dict[str, Credentials] = {}

    def assume_role(self, form: Mapping[str, str], now: float) -> Credentials:
        """AssumeRole. Raises StsError."""
        role = _ROLE.fullmatch(form.get("RoleArn", ""))
        if role is None or not form.get("RoleSessionName"):
            raise StsError("ValidationError", "RoleArn and RoleSessionName are required")
        if "ProvidedContexts.member.1.ProviderArn" in form:
            context = self._given_context(form, now)
        else:
            context = None
            self._check_role(form)
        seconds = int(form.get("DurationSeconds", "3600"))
        if not 900 <= seconds <= MAX_SECONDS:
            raise StsError("ValidationError", f"DurationSeconds must be 900 to {MAX_SECONDS}")
        made = Credentials(
            access_key=f"ASIA{secrets.token_hex(8).upper()}",
            secret_key=secrets.token_urlsafe(30),
            session_token=f"{SESSION}{secrets.token_urlsafe(24)}",
            account=role[1],
            context=context,
            expires_at=now + seconds,
        )
        self._sessions[made.session_token] = made
        return made

    def caller_of(
        self, access_key: str, session_token: str, region: str, now: float
    ) -> tuple[str, str | None]:
        """Account and registered user of credentials; others than sessions are the home's.

        Raises ServiceError for a session that is over, that another key belongs to, or whose
        user's context is for another region (GetIdentityContext's ContextRegion)
        [? context-region].
        """
        if not session_token.startswith(SESSION):
            return self._home, None
        found = self._sessions.get(session_token)
        if found is None or found.access_key != access_key:
            text = "The security token included in the request is invalid."
            raise ServiceError("UnrecognizedClientException", text, http_status=403)
        if now >= found.expires_at:
            text = "The security token included in the request is expired"
            raise ServiceError("ExpiredTokenException", text, http_status=403)
        if found.context is None:
            return found.account, None
        if found.context.region != region:
            text = f"The identity context is not valid in region {region}."
            raise ServiceError("AccessDeniedException", text, http_status=403)
        return found.account, found.context.user

    def _given_context(self, form: Mapping[str, str], now: float) -> Context:
        if form["ProvidedContexts.member.1.ProviderArn"] != PROVIDER:
            raise StsError("ValidationError", f"ProviderArn must be {PROVIDER}")
        token = form.get("ProvidedContexts.member.1.ContextAssertion", "")
        context = self._context_of(token, now)
        if context is None:
            raise StsError("AccessDenied", "The context assertion is not valid.", 403)
        return context

    def _check_role(self, form: Mapping[str, str]) -> None:
        arn = form["RoleArn"]
        if arn not in self._roles or self._roles[arn] not in (None, form.get("ExternalId")):
            text = f"User is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise StsError("AccessDenied", text, 403)


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

"""Who calls: AWS Signature Version 4, read from the request's headers.

The scope of the signature is checked as AWS's front end does; the signature itself is not, since
the emulator knows no secrets. Identity-enhanced credentials (those of a registered user) are told
apart by their session token: one that this emulator's STS gave out (sts.py), or, in tests that need
no STS, `identity-enhanced/<user>`.
"""

import re
from dataclasses import dataclass

from local.quicksight.errors import ServiceError
from local.quicksight.sts import Sts

IDENTITY_ENHANCED = "identity-enhanced/"

_SIGNATURE = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[\w=+.\-]+)/(?P<date>\d{8})/(?P<region>[\w\-]+)"
    r"/(?P<service>[\w\-]+)/aws4_request, ?SignedHeaders=(?P<headers>[\w;\-]+), ?"
    r"Signature=[0-9a-f]{64}"
)


@dataclass(frozen=True)
class Caller:
    """Whose credentials call: an account's, and with identity-enhanced ones a registered user's."""

    account: str
    user: str | None = None


def authorize(
    header: str | None,
    session_token: str | None,
    *,
    region: str,
    sts: Sts,
    now: float,
) -> Caller:
    """The caller; raises the front end's refusals of unsigned or wrongly scoped requests."""
    if not header:
        raise ServiceError(
            "MissingAuthenticationTokenException", "Missing Authentication Token", http_status=403
        )
    found = _SIGNATURE.fullmatch(header)
    if not found or "host" not in found["headers"].split(";"):
        raise ServiceError(
            "IncompleteSignatureException",
            "Authorization header is not a complete Signature Version 4.",
            http_status=400,
        )
    if found["service"] != "quicksight":
        raise _wrong_scope("Credential should be scoped to correct service: 'quicksight'.")
    if found["region"] != region:
        raise _wrong_scope(f"Credential should be scoped to a valid region: '{region}'.")
    account, user = sts.caller_of(found["key"], session_token or "", region, now)
    if session_token and session_token.startswith(IDENTITY_ENHANCED):
        user = session_token.removeprefix(IDENTITY_ENHANCED)
    return Caller(account, user)


def region_of(header: str | None) -> str:
    """The region that a call is signed for, which its address would tell; "" if unreadable."""
    found = _SIGNATURE.fullmatch(header or "")
    return found["region"] if found else ""


def _wrong_scope(message: str) -> ServiceError:
    return ServiceError("InvalidSignatureException", message, http_status=403)

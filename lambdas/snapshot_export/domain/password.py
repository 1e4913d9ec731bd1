"""Passwords of an export's files: the secret that a request names, and what of it is a password.

A request has the name only. A password is read where files are encrypted, and is kept nowhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

PASSWORD_UNAVAILABLE = "PASSWORD_UNAVAILABLE"
PROTECT_FAILED = "PROTECT_FAILED"
PROTECT_TOO_LARGE = "PROTECT_TOO_LARGE"
MAX_PROTECTED_PDF_BYTES = 48 * 1024 * 1024
"""What the function's memory takes, several times over; CSVs and workbooks pass through it."""
MIN_PASSWORD, MAX_PASSWORD = 12, 127
"""An encrypted zip makes a guess cheap (1,000 rounds of PBKDF2); a PDF takes 127 bytes."""
DEFAULT_KEY = "password"


class PasswordError(ValueError):
    """There is no password: its secret cannot be read, or holds none that can be used. Its text has
    no values."""


@dataclass(frozen=True)
class Password:
    """A password, which is not shown where the object is."""

    text: str = field(repr=False)


def password_in(text: str, key: str | None) -> Password:
    """The password of a secret's text: all of it, or a member where it is a JSON object.

    Raises PasswordError, which says nothing of it.
    """
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        members = None
    if isinstance(members, dict):
        found = members.get(key or DEFAULT_KEY)
        if not isinstance(found, str):
            raise PasswordError(f"its secret has no text under {key or DEFAULT_KEY}")
        text = found
    elif key is not None:
        raise PasswordError("its secret is no JSON object, so it has no members")
    if not MIN_PASSWORD <= len(text) <= MAX_PASSWORD:
        raise PasswordError(f"it must be {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    if not (text.isascii() and text.isprintable()) or text != text.strip():
        raise PasswordError("it must be of ASCII letters, digits and signs, not begin or end blank")
    return Password(text)

"""What is reported of a request whose row-level security is not as it might be meant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SecurityWarning:
    """What a user should know of a request that is done all the same: no values."""

    code: str
    resource: str
    message: str

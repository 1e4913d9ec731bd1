"""What an export's request asks for besides its files: mails with them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Attach(StrEnum):
    """Whether a mail carries the files."""

    AUTO = "AUTO"
    ALWAYS = "ALWAYS"
    NEVER = "NEVER"


@dataclass(frozen=True, kw_only=True)
class MailOrder:
    """What was asked for; subject, text and HTML are templates."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None
    attach: str = Attach.AUTO
    reply_to: str | None = None

"""A mail as SES takes it: a MIME message, by the standard library's `email`.

Subject, text and names of files are encoded by it; it raises ValueError for a header with a line
break, so what stands in one can begin no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

from snapshot_export.domain.export import ExportedFile
from snapshot_export.domain.mail_order import Attach
from snapshot_export.domain.mail_text import MailText
from snapshot_export.domain.object_address import ObjectAddress

MAX_MESSAGE_BYTES = 40_000_000
"""SES v2: 40 MB a message, its attachments counted as they are encoded [? mail-size]."""
_ENVELOPE_BYTES = 100_000
"""More than headers, text and HTML of the longest request take, encoded."""
_SEVEN_BITS = SMTP.clone(cte_type="7bit")
"""Whatever stands in a mail, its lines are short and of ASCII, as SES asks."""
_KINDS = {
    "pdf": ("application", "pdf"),
    "csv": ("text", "csv"),
    "zip": ("application", "zip"),
    "xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


@dataclass(frozen=True)
class Attachment:
    """A file that a mail carries."""

    name: str
    data: bytes


def carries(attach: str, files: Sequence[ExportedFile]) -> bool | None:
    """Whether a mail carries the files; None where it should and they do not fit."""
    if attach == Attach.NEVER:
        return False
    if _encoded_bytes(files) <= MAX_MESSAGE_BYTES - _ENVELOPE_BYTES:
        return True
    return None if attach == Attach.ALWAYS else False


def attachment_name(file: ExportedFile) -> str:
    """What a file is called in a mail: the last segment of its key."""
    return ObjectAddress.parse(file.uri or "").key.rpartition("/")[2]


def make_message(
    text: MailText,
    *,
    sender: str,
    to: str,
    reply_to: str | None,
    attachments: Sequence[Attachment],
) -> bytes:
    """The message. Raises ValueError for what cannot stand in a header."""
    message = EmailMessage(policy=_SEVEN_BITS)
    message["From"] = sender
    message["To"] = to
    if reply_to is not None:
        message["Reply-To"] = reply_to
    message["Subject"] = text.subject
    message.set_content(text.text)
    if text.html is not None:
        message.add_alternative(text.html, subtype="html")
    for each in attachments:
        suffix = each.name.rpartition(".")[2].lower()
        kind, subtype = _KINDS.get(suffix, ("application", "octet-stream"))
        message.add_attachment(each.data, maintype=kind, subtype=subtype, filename=each.name)
    return message.as_bytes()


def _encoded_bytes(files: Sequence[ExportedFile]) -> int:
    """In base64, with a line break after each 76 characters, and a part's headers."""
    return sum((file.size or 0) * 78 // 57 + 1000 for file in files)

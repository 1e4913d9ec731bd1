"""The folder in which accepted messages are kept, as real messages, and its reader.

Beside each `.eml` a `.json` says what no header does: to whom it went, and what became of it. It
is written second, so that a reader sees whole messages only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path
from typing import cast

from local.mail.outcomes import Outcome


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file of a message."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Mail:
    """An accepted message; `recipients` are those of the envelope, `accepted_at` epoch seconds."""

    message_id: str
    accepted_at: float
    sender: str
    recipients: tuple[str, ...]
    tags: Mapping[str, str]
    configuration_set: str | None
    outcomes: Mapping[str, Outcome]
    file: Path = field(repr=False)

    @cached_property
    def message(self) -> EmailMessage:
        """The message as the standard library reads it."""
        content = self.file.read_bytes()
        return message_from_bytes(content, policy=policy.default)

    @property
    def subject(self) -> str:
        """The subject, "" without one."""
        return str(self.message["Subject"] or "")

    @property
    def text(self) -> str:
        """The plain-text body, "" without one."""
        return self._body("plain")

    @property
    def html(self) -> str:
        """The HTML body, "" without one."""
        return self._body("html")

    @property
    def attachments(self) -> list[Attachment]:
        """The files, in their order."""
        return [
            Attachment(
                name=part.get_filename() or f"part-{number}",
                media_type=part.get_content_type(),
                content=cast(bytes, part.get_payload(decode=True)) or b"",
            )
            for number, part in enumerate(self.message.iter_attachments(), 1)
        ]

    @property
    def reached(self) -> list[str]:
        """The recipients in whose inbox it is."""
        return [name for name, outcome in self.outcomes.items() if outcome.reaches_the_inbox]

    def _body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()) if part is not None else ""


class Mailbox:
    """The messages in a folder; one process writes, any may read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept = 0

    def keep(
        self,
        content: bytes,
        *,
        message_id: str,
        accepted_at: float,
        sender: str,
        recipients: tuple[str, ...],
        tags: Mapping[str, str],
        configuration_set: str | None,
        outcomes: Mapping[str, Outcome],
    ) -> Mail:
        """Write a message down."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._kept = self._kept or self.count()
        self._kept += 1
        file = self.folder / f"{self._kept:07}-{message_id}.eml"
        file.write_bytes(content)
        mail = Mail(
            message_id=message_id,
            accepted_at=accepted_at,
            sender=sender,
            recipients=recipients,
            tags=dict(tags),
            configuration_set=configuration_set,
            outcomes=dict(outcomes),
            file=file,
        )
        envelope = asdict(mail)
        del envelope["file"]
        draft = file.with_suffix(".tmp")
        draft.write_text(json.dumps(envelope), encoding="utf-8")
        draft.replace(file.with_suffix(".json"))
        return mail

    def read(self) -> list[Mail]:
        """All messages, in the order of their acceptance."""
        return [_read(path) for path in sorted(self.folder.glob("*.json"))]

    def find(self, message_id: str) -> Mail | None:
        """A message by its id."""
        found = (each for each in self.folder.glob("*.json") if each.stem[8:] == message_id)
        return next((_read(path) for path in found), None)

    def count(self) -> int:
        """How many there are."""
        return sum(1 for _ in self.folder.glob("*.json"))


def _read(path: Path) -> Mail:
    envelope = json.loads(path.read_text(encoding="utf-8"))
    outcomes = {name: Outcome(value) for name, value in envelope["outcomes"].items()}
    recipients = tuple(envelope["recipients"])
    return Mail(
        **envelope | {"outcomes": outcomes, "recipients": recipients},
        file=path.with_suffix(".eml"),
    )

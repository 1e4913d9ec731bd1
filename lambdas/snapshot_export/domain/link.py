"""Links in mails: each opens one file for whoever has its token, until it ends or is revoked.

A token is drawn for each file at each attempt to send a mail. It stands in the mail and nowhere
else: the record is found by the token's hash, of which the token cannot be made. Of 256 random bits
a plain hash is enough; passwords, which can be guessed, would need more. Times are epoch seconds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from snapshot_export.domain.object_address import ObjectAddress

TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
"""So many bytes in base64url, without padding."""
FILES_PATH = "files"
DAY_SECONDS = 86_400
_PLAIN = re.compile(r"[^A-Za-z0-9 ._()-]")


@dataclass(frozen=True, kw_only=True)
class Link:
    """A file that a mail links to, as it was at the export's end; `link_id` is its token's hash."""

    link_id: str
    export_id: str
    delivery_id: str
    target: str
    uri: str
    etag: str
    created_at: float
    ends_at: float
    opened: int = 0
    first_opened_at: float | None = None
    last_opened_at: float | None = None
    revoked_at: float | None = None

    def is_open(self, now: float) -> bool:
        """Whether it opens its file, if that is as it was."""
        return self.revoked_at is None and now < self.ends_at


@dataclass(frozen=True, kw_only=True)
class LinkUse:
    """How the links of a mail were used, all attempts together; `opened` counts openings.

    `revoked_at` is there where none of them opens anything any more since they were revoked.
    """

    opened: int
    first_opened_at: float | None
    last_opened_at: float | None
    ends_at: float
    revoked_at: float | None


def is_token(text: str) -> bool:
    """Whether it may be one; what may not need not be looked for."""
    return _TOKEN.fullmatch(text) is not None


def link_id_of(token: str) -> str:
    """What the record of a token is found by."""
    return hashlib.sha256(token.encode()).hexdigest()


def address_of(base: str, token: str) -> str:
    """Where a token opens its file."""
    return f"{base.rstrip('/')}/{FILES_PATH}/{token}"


def use_of(links: Sequence[Link]) -> LinkUse:
    """A mail's links, of which there is one at least, together."""
    first = [each.first_opened_at for each in links if each.first_opened_at is not None]
    last = [each.last_opened_at for each in links if each.last_opened_at is not None]
    revoked = [each.revoked_at for each in links if each.revoked_at is not None]
    return LinkUse(
        opened=sum(each.opened for each in links),
        first_opened_at=min(first, default=None),
        last_opened_at=max(last, default=None),
        ends_at=max(each.ends_at for each in links),
        revoked_at=max(revoked) if len(revoked) == len(links) else None,
    )


def disposition_of(uri: str) -> str:
    """A Content-Disposition that has a file saved under the last segment of its key (RFC 6266)."""
    name = ObjectAddress.parse(uri).name
    plain = _PLAIN.sub("_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"

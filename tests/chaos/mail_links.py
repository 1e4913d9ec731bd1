"""Links in the mails of a stage: somebody follows each, they are revoked, and both are judged.

A link must be in the table when SES takes its mail; it opens while it is not revoked, and never
after; and nothing but its mail has its token.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from snapshot_export.domain.link import link_id_of

if TYPE_CHECKING:
    from tests.chaos.stage import Stage

URL = "https://links.example"
DAYS = 7
_TOKEN = re.compile(rf"{URL}/files/([A-Za-z0-9_-]{{43}})")
_SETTLED = ("SENT", "DELIVERED", "HELD")
FOLLOWS = 5


class MailLinks:
    """Those of one stage; `items` are the records of its table."""

    def __init__(self, stage: Stage, items: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
        self._stage, self._items = stage, items
        self._tokens: list[str] = []
        self._is_revoked = False

    def find(self, text: str) -> None:
        """Links of a mail that SES took."""
        found = _TOKEN.findall(text)
        if not found:
            self._stage.witness.note("a mail without a link went out")
        kept = self._kept()
        for token in found:
            if link_id_of(token) not in kept:
                self._stage.witness.note("a mail went out before its link was kept")
        self._tokens += found

    def are_settled(self) -> bool:
        """Whether every mail was sent, or is held for a person."""
        mails = [each for each in self._items() if each["sk"].startswith("MAIL#")]
        return bool(mails) and all(each["status"] in _SETTLED for each in mails)

    def follow(self) -> None:
        """Open each link, as its reader does."""
        for token in self._tokens:
            self._stage.at(0, self._following(token, FOLLOWS))

    def revoke(self, export_id: str) -> None:
        """Have the links of an export revoked."""
        self._stage.call("DELETE", f"/exports/{export_id}/links", expect=(200,))
        answered = len(self._stage.answers)
        self._stage.when(lambda: len(self._stage.answers) > answered, self._note_revoked)

    def judge(self) -> None:
        """All links are revoked by now, and no record holds a token."""
        note = self._stage.witness.note
        kept = self._kept()
        for token in self._tokens:
            if not kept.get(link_id_of(token), {}).get("revoked_at"):
                note("a link that was sent is open after its revocation")
            if any(token in str(value) for item in self._items() for value in item.values()):
                note("the table has a token")

    def _note_revoked(self) -> None:
        self._is_revoked = True
        self.follow()

    def _kept(self) -> dict[str, Mapping[str, Any]]:
        return {
            str(item["link_id"]): item for item in self._items() if item["pk"].startswith("LINK#")
        }

    def _following(self, token: str, tries: int) -> Callable[[], None]:
        event = {
            "requestContext": {"http": {"method": "GET"}, "requestId": "r"},
            "pathParameters": {"token": token},
        }

        def follow() -> None:
            answer = self._stage.invoke("open_link", event)
            status = answer["statusCode"] if isinstance(answer, dict) else 500
            if status >= 500:
                if tries > 1:
                    self._stage.at(2.0, self._following(token, tries - 1))
            elif status != (404 if self._is_revoked else 302):
                self._stage.witness.note(f"a link answered {status}")

        return follow

"""Opens every mail of the mailbox, each of its files and each of its links: to whom did they go?

Whose an address is, and what its mails say, is known from the play's cast, and how many mails there
must be from what its export ended as. Links are opened as their reader opens them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests

from local.mail.mailbox import Mail
from snapshot_export.domain.export import Export, Status
from snapshot_export.flows.delivery.open_link import open_link
from tests.chaos.tenants.again import Again
from tests.chaos.tenants.cast import SUBJECT, SUBJECT_OF_SINGLE, Cast
from tests.chaos.tenants.post import URL
from tests.support.world import World

_LINK = re.compile(rf"^(.+): {re.escape(URL)}/files/(\S+)", re.MULTILINE)
Judge = Callable[[str, str, bytes], None]
"""Of an export: what a file is called, and what is in it."""


@dataclass(frozen=True)
class _Addressee:
    export_id: str
    burst_id: str | None
    recipient_id: str


class MailWitness:
    """Judges the mails of a world in which nothing moves any more.

    `taken_back` are revisions of exports that were cancelled when they had completed: their mails
    may have gone before, and their links open nothing.
    """

    def __init__(
        self,
        world: World,
        cast: Cast,
        again: Again,
        taken_back: Mapping[str, int],
        content: Mapping[str, bytes],
        judge_file: Judge,
    ) -> None:
        self._world, self._again = world, again
        self._taken_back, self._content = taken_back, content
        self._judge_file = judge_file
        self._addressees = _addressees(cast)
        self.attachments = self.links = 0
        self.violations: list[str] = []

    def judge(self, mails: list[Mail], exports: Mapping[str, Export]) -> None:
        """One mail for each address and end of an export, with its own files."""
        sent: dict[str, list[Mail]] = defaultdict(list)
        for mail in mails:
            if len(mail.recipients) != 1 or str(mail.message["To"]) != mail.recipients[0]:
                self._note(f"a mail went to {len(mail.recipients)} addresses, or names another")
            for address in mail.recipients:
                sent[address].append(mail)
        if unknown := sent.keys() - self._addressees.keys():
            self._note(f"mails went to addresses of nobody: {sorted(unknown)}")
        for address, whose in self._addressees.items():
            export = exports.get(whose.export_id)
            is_own = export is not None and export.burst_id == whose.burst_id
            self._judge_address(whose, export if is_own else None, sent[address])

    def _note(self, text: str) -> None:
        self.violations.append(text)

    def _judge_address(self, whose: _Addressee, export: Export | None, mails: list[Mail]) -> None:
        """The end before the export ran again, if it did, and its last one."""
        name = whose.export_id
        before = self._again.before.get(name) if export else None
        earlier = [each for each in mails if before and each.accepted_at < self._again.at]
        self._judge_end(whose, before, earlier, is_last=False)
        self._judge_end(whose, export, mails[len(earlier) :], is_last=True)

    def _judge_end(
        self, whose: _Addressee, end: Export | None, mails: list[Mail], *, is_last: bool
    ) -> None:
        name, files = whose.export_id, _files_of(end)
        is_taken_back = end is not None and self._taken_back.get(name) == end.revision
        most = 1 if files else 0
        least = 0 if is_taken_back or not is_last else most
        if not least <= len(mails) <= most:
            self._note(f"{name}: {len(mails)} mails to an address, not {least} to {most}")
        wanted = SUBJECT if whose.burst_id else SUBJECT_OF_SINGLE
        subject = wanted.format(recipient=whose.recipient_id, export=name)
        for mail in mails:
            if mail.subject != subject:
                self._note(f"{name}: its mail has the subject of another")
            shown, closed = self._open(mail)
            for called, data in shown:
                self._judge_file(name, called, data)
            if is_last and is_taken_back and len(shown) > len(mail.attachments):
                self._note(f"{name}: a link opens in a mail that was taken back")
            if is_last and not is_taken_back and closed:
                self._note(f"{name}: a link in its mail opens nothing")
            own = [(called, self._content.get(key)) for called, key in files]
            if is_last and not closed and sorted(shown) != sorted(own, key=str):
                self._note(f"{name}: the files of its mail are not its own")

    def _open(self, mail: Mail) -> tuple[list[tuple[str, bytes]], int]:
        """Its files, attached or behind links, and how many links opened nothing."""
        shown = [(each.name, each.content) for each in mail.attachments]
        self.attachments += len(shown)
        closed = 0
        for called, token in _LINK.findall(mail.text):
            address = open_link(self._world.services, token)
            if address is None:
                closed += 1
                continue
            self.links += 1
            shown.append((called, requests.get(address, timeout=10).content))
        return shown, closed


def _addressees(cast: Cast) -> dict[str, _Addressee]:
    found = {}
    for single in cast.every_single:
        for address in single["Delivery"]["Email"]["To"]:
            found[address] = _Addressee(single["ExportId"], None, "")
    for burst in cast.bursts:
        for index, each in enumerate(burst.recipients):
            name = f"{burst.burst_id}-{index + burst.first_line}"
            for address in each.addresses:
                found[address] = _Addressee(name, burst.burst_id, each.recipient_id)
    return found


def _files_of(end: Export | None) -> list[tuple[str, str]]:
    """What a mail of it has to have: names as people see them, and keys."""
    if end is None or end.status is not Status.COMPLETED:
        return []
    keys = [each.uri.removeprefix("s3://").partition("/")[2] for each in end.files if each.uri]
    return [(key.rpartition("/")[2], key) for key in keys]

"""Opens every file and every link, and says whose rows are in it: it asks the product nothing.

What an export may show is known from the play's cast. Objects are read from moto's buckets, not
through the product's own idea of where they are.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from local.mail.mailbox import Mail
from snapshot_export.adapters.table.dynamodb import _unmarshal
from snapshot_export.adapters.table.records import export_from
from snapshot_export.domain.export import Export, Status
from snapshot_export.flows.view import view
from tests.chaos.tenants.again import Again, compare
from tests.chaos.tenants.cast import Burst, Cast
from tests.chaos.tenants.mail_witness import MailWitness
from tests.support.rows import CUSTOMER, bookmarks_of, customers_in, text_of
from tests.support.world import World

INVOICE = re.compile(r"inv-\d{4}-\d{2}")
SUFFIXES = {".pdf": "PDF", ".xlsx": "EXCEL", ".csv": "CSV"}


@dataclass
class Seen:
    """What was opened, and what was wrong."""

    files: int = 0
    links: int = 0
    objects: int = 0
    recipients: int = 0
    empty: int = 0
    mails: int = 0
    attachments: int = 0
    mail_links: int = 0
    violations: list[str] = field(default_factory=list)


class Witness:
    """Judges a world in which nothing moves any more."""

    def __init__(self, world: World, cast: Cast, cancelled: frozenset[str], again: Again) -> None:
        self._world = world
        self._cast = cast
        self._cancelled = cancelled
        self._again = again
        self._s3 = world.session.client("s3")
        self._bucket = world.settings.export_bucket
        self._shows_rows: set[str] = set()
        self._shows_none: set[str] = set(again.emptied)
        self._asked: dict[str, dict[str, Any]] = {}
        self._shown: dict[tuple[bytes, str], set[str]] = {}
        self.seen = Seen()

    def judge(self, mails: list[Mail], taken_back: Mapping[str, int]) -> Seen:
        """Open everything."""
        exports = {export.export_id: export for export in self._records()}
        owners = self._owners(exports)
        content = dict(self._objects())
        self.seen.objects = len(content)
        self._judge_ends(exports, owners)
        self._judge_files(exports, owners, content)
        self._judge_objects(exports, owners, content)
        self.seen.violations += compare(self._again, exports)
        self._judge_empty(exports)
        for burst in self._cast.bursts:
            self._judge_burst(burst, exports, content)
        post = MailWitness(
            self._world,
            self._cast,
            self._again,
            taken_back,
            content,
            lambda name, called, data: self._judge_rows(name, owners, data, _kind(called), "mail"),
        )
        post.judge(mails, exports)
        self.seen.mails, self.seen.violations = len(mails), self.seen.violations + post.violations
        self.seen.attachments, self.seen.mail_links = post.attachments, post.links
        return self.seen

    def _note(self, text: str) -> None:
        self.seen.violations.append(text)

    def _records(self) -> Iterator[Export]:
        table = self._world.settings.table_name
        start: dict[str, Any] = {}
        client = self._world.session.client("dynamodb")
        while True:
            page: Any = client.scan(TableName=table, **start)
            for item in map(_unmarshal, page["Items"]):
                if item["sk"] == "EXPORT":
                    yield export_from(item)
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _objects(self) -> Iterator[tuple[str, bytes]]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket):
            for item in page.get("Contents", []):
                answer = self._s3.get_object(Bucket=self._bucket, Key=item["Key"])
                yield item["Key"], answer["Body"].read()

    def _owners(self, exports: Mapping[str, Export]) -> dict[str, str]:
        """Whose rows each export may show, from the tags that its request carries in the cast."""
        owners = {}
        for single in self._cast.every_single:
            (user,) = single["UserConfiguration"]["AnonymousUsers"]
            known = exports.get(single["ExportId"])
            if known is not None and known.burst_id is None:
                self._shows_rows.add(known.export_id)
                owners[single["ExportId"]] = user["RowLevelPermissionTags"][0]["Value"]
                self._asked[known.export_id] = single
        for burst in self._cast.bursts:
            for export in exports.values():
                if export.burst_id == burst.burst_id:
                    self._asked[export.export_id] = burst.template
                    owner = self._recipient_of(burst, export)
                    if owner is not None:
                        owners[export.export_id] = owner
        return owners

    def _recipient_of(self, burst: Burst, export: Export) -> str | None:
        """By its line: the manifest's own, counted here."""
        line = int(export.export_id.rsplit("-", 1)[1])
        index = line - burst.first_line
        if not 0 <= index < len(burst.recipients):
            self._note(f"{export.export_id}: no recipient stands on line {line}")
            return None
        recipient = burst.recipients[index]
        if export.recipient_id != recipient.recipient_id:
            self._note(f"{export.export_id}: another recipient than that of its line")
        if recipient.value == recipient.customer and not recipient.has_rows:
            self._shows_none.add(export.export_id)
        elif recipient.value == recipient.customer and export.export_id not in self._shows_none:
            self._shows_rows.add(export.export_id)
        return recipient.customer

    def _judge_ends(self, exports: Mapping[str, Export], owners: Mapping[str, str]) -> None:
        for export in exports.values():
            if not export.status.is_end:
                self._note(f"{export.export_id}: never ended, {export.status}")
            if export.status is not Status.REJECTED and export.export_id not in owners:
                self._note(f"{export.export_id}: nobody asked for this export")
            if export.export_id in self._cancelled and export.status is not Status.CANCELLED:
                self._note(f"{export.export_id}: cancelled, and ended {export.status}")

    def _judge_empty(self, exports: Mapping[str, Export]) -> None:
        """Marked are those without rows and no others, and only what is skipped has no file."""
        for name in self._shows_rows | self._shows_none:
            export, asked = exports[name], self._asked[name]
            if export.status is not Status.COMPLETED:
                continue
            is_empty = "IfEmpty" in asked and name in self._shows_none
            self.seen.empty += is_empty
            if export.is_empty != is_empty:
                self._note(f"{name}: without rows is {is_empty}, and its record says otherwise")
            groups = asked.get("SnapshotConfiguration", {}).get("FileGroups", ())
            wanted = len(groups) + ("Merge" in asked)
            if is_empty and asked["IfEmpty"] == "SKIP":
                wanted = 0
            if len(export.files) != wanted:
                self._note(f"{name}: completed with {len(export.files)} files of {wanted}")

    def _judge_files(
        self,
        exports: Mapping[str, Export],
        owners: Mapping[str, str],
        content: Mapping[str, bytes],
    ) -> None:
        """Each file of each export, and what its download link answers."""
        seen = Counter[str]()
        for export in exports.values():
            shown = view(self._world.services, export.export_id)
            links = shown.downloads or (None,) * len(export.files)
            if export.status is Status.CANCELLED and export.files:
                self._note(f"{export.export_id}: cancelled, and its record names files")
            for position, (file, link) in enumerate(zip(export.files, links, strict=True)):
                if file.uri is None:
                    continue
                bucket, _, key = file.uri.removeprefix("s3://").partition("/")
                seen[file.uri] += 1
                data = content.get(key) if bucket == self._bucket else None
                if data is None:
                    self._note(f"{export.export_id}: its file is not where its record says")
                    continue
                self.seen.files += 1
                self._judge_rows(export.export_id, owners, data, file.format, "file")
                self._judge_content(export.export_id, position, data)
                if link is None:
                    self._note(f"{export.export_id}: a file of ours without a link")
                    continue
                answer = requests.get(link, timeout=10)
                self.seen.links += 1
                if answer.status_code != 200:
                    self._note(f"{export.export_id}: its link answers {answer.status_code}")
                elif answer.content != data:
                    self._note(f"{export.export_id}: its link opens another object")
        for uri, times in seen.items():
            if times > 1:
                self._note(f"{times} files are one object: {uri}")
        self._judge_folded(list(seen))

    def _judge_folded(self, uris: list[str]) -> None:
        """Names that a disk without case, or one that normalizes, takes for one."""
        folded = Counter(unicodedata.normalize("NFC", uri).casefold() for uri in uris)
        for uri, times in folded.items():
            if times > 1:
                self._note(f"{times} files are one name on a disk without case: {uri}")

    def _judge_rows(
        self, export_id: str, owners: Mapping[str, str], data: bytes, kind: str, what: str
    ) -> None:
        try:
            if (data, kind) not in self._shown:
                self._shown[data, kind] = customers_in(data, kind)
            shown = self._shown[data, kind]
        except Exception as error:
            self._note(f"{export_id}: its {what} does not open: {type(error).__name__}")
            return
        own = owners.get(export_id)
        if shown - {own}:
            self._note(f"{export_id}: its {what} shows rows of {len(shown - {own})} others")
        elif not shown and export_id in self._shows_rows:
            self._note(f"{export_id}: its {what} shows no rows")

    def _judge_content(self, export_id: str, position: int, data: bytes) -> None:
        """Whether it is the file that the request names in its place; only `lines` has invoices.

        One that is merged has every sheet, and a bookmark of each.
        """
        asked = self._asked[export_id]
        if "Merge" in asked:
            try:
                is_whole = len(bookmarks_of(data)) > 1
            except Exception:
                is_whole = False
            if not is_whole:
                self._note(f"{export_id}: its merged file misses a sheet")
            return
        (file,) = asked["SnapshotConfiguration"]["FileGroups"][position]["Files"]
        (selection,) = file["SheetSelections"]
        try:
            text = text_of(data, file["FormatType"])
        except Exception:
            self._note(f"{export_id}: file {position} is no {file['FormatType']}")
            return
        is_wanted = selection.get("VisualIds") == ["lines"]
        if CUSTOMER.search(text) and bool(INVOICE.search(text)) != is_wanted:
            self._note(f"{export_id}: file {position} shows what another was asked for")

    def _judge_objects(
        self,
        exports: Mapping[str, Export],
        owners: Mapping[str, str],
        content: Mapping[str, bytes],
    ) -> None:
        """No finished object without an owner; raw ones are their export's and still there, and
        none of a cancelled one's is left."""
        raw = Counter[str]()
        known = {
            file.uri.removeprefix(f"s3://{self._bucket}/"): export
            for export in exports.values()
            for file in export.files
            if file.uri
        }
        for key, data in content.items():
            folder, _, rest = key.partition("/")
            kind = _kind(key)
            if folder == "exports" and key not in known:
                self._note(f"an object that no export has: {key}")
            if folder != "snapshots" or not kind:
                continue
            candidates = [each for each in exports if rest.startswith(f"{each}/")]
            if len(candidates) != 1:
                self._note(f"a raw object of {len(candidates)} exports: {key}")
                continue
            (owner,) = candidates
            self._judge_rows(owner, owners, data, kind, "raw file")
            raw[owner] += 1
            if exports[owner].status is Status.CANCELLED:
                self._note(f"{owner}: cancelled, and a raw file is left")
        for export in exports.values():
            if export.status is not Status.COMPLETED or export.export_id not in self._asked:
                continue
            asked = self._asked[export.export_id]
            is_ours = "DestinationConfiguration" not in asked.get("SnapshotConfiguration", {})
            files = len(export.files) + ("Merge" in asked) + ("Probe" in asked)
            if is_ours and raw[export.export_id] < files:
                self._note(f"{export.export_id}: completed, and its raw files are gone")

    def _judge_burst(
        self, burst: Burst, exports: Mapping[str, Export], content: Mapping[str, bytes]
    ) -> None:
        """Every record of the manifest is accepted or refused; plain ones are accepted; the burst's
        manifest.json and report name each recipient's own files."""
        self.seen.recipients += len(burst.recipients)
        record = self._world.services.bursts.find(burst.burst_id)
        if record is None or not record.status.is_end:
            self._note(f"burst {burst.burst_id}: never ended")
            return
        if record.accepted + record.refused != len(burst.recipients):
            text = f"{record.accepted} accepted and {record.refused} refused"
            self._note(f"burst {burst.burst_id}: {text} of {len(burst.recipients)}")
        refused = {each.line for each in self._world.services.bursts.refusals(burst.burst_id)}
        ids = Counter[str]()
        for index, recipient in enumerate(burst.recipients):
            line = index + burst.first_line
            is_taken = f"{burst.burst_id}-{line}" in {e["ExportId"] for e in self._cast.singles}
            if recipient.is_plain and line in refused and not is_taken:
                self._note(f"burst {burst.burst_id} line {line}: a plain recipient was refused")
            if line not in refused:
                ids[recipient.recipient_id.casefold()] += 1
            own = exports.get(f"{burst.burst_id}-{line}")
            if recipient.is_plain and own is not None and own.status is Status.FAILED:
                self._note(f"{own.export_id}: a plain recipient's export failed")
        for name, times in ids.items():
            if times > 1:
                self._note(f"burst {burst.burst_id}: recipient {name} was accepted {times} times")
        self._judge_manifest(burst, exports, content)

    def _judge_manifest(
        self, burst: Burst, exports: Mapping[str, Export], content: Mapping[str, bytes]
    ) -> None:
        folder = f"bursts/{burst.burst_id}/"
        manifest = json.loads(content.get(f"{folder}manifest.json", b"{}"))
        customers = {each.recipient_id: each.customer for each in burst.recipients if each.is_plain}
        for entry in manifest.get("Files", ()):
            if not entry.get("S3Uri"):
                continue
            key = entry["S3Uri"].removeprefix(f"s3://{self._bucket}/")
            own = customers.get(entry["RecipientId"])
            data = content.get(key)
            if data is None:
                self._note(f"burst {burst.burst_id}: manifest.json names an object that is not")
            elif own and _shown(data, entry["FormatType"]) != {own}:
                self._note(f"burst {burst.burst_id}: manifest.json gives a recipient other rows")
        for entry in manifest.get("Files", ()):
            export = exports.get(entry["ExportId"])
            if export and entry.get("Empty", False) != export.is_empty:
                self._note(f"{export.export_id}: manifest.json has the note of another")
            if export and entry["Revision"] != export.revision:
                self._note(f"{export.export_id}: manifest.json names another revision")
        named = {entry["ExportId"] for entry in manifest.get("Files", ())}
        own_ids = {each.export_id for each in exports.values() if each.burst_id == burst.burst_id}
        if named != own_ids:
            text = f"manifest.json names {len(named)} exports of {len(own_ids)}"
            self._note(f"burst {burst.burst_id}: {text}")
        report = content.get(f"{folder}report.html", b"").decode()
        for address in re.findall(r'href="(https://[^"]*/s3/object/[^"]*)"', report):
            parts = urlsplit(html.unescape(address))
            key = parse_qs(parts.query, keep_blank_values=True)["prefix"][0]
            if key not in content:
                self._note(f"burst {burst.burst_id}: its report links to nothing: {key}")


def _kind(name: str) -> str:
    """The format that a name ends as, or ""."""
    return next((each for end, each in SUFFIXES.items() if name.endswith(end)), "")


def _shown(data: bytes, kind: str) -> set[str] | None:
    """Whose rows are in a file; None if it does not open."""
    try:
        return customers_in(data, kind)
    except Exception:
        return None

"""Sheets of a dashboard as one PDF: which they are, and how they become jobs.

By its documentation QuickSight makes a PDF of one sheet in a job, so each sheet is a part of the
export (domain/parts.py), in the order of the file. A deployment can ask for several sheets in one
(`sheetsPerJob`), as the service model allows and public scripts do [? sheets-in-one-pdf]. Which
sheets "ALL" are is decided once, by what is published when the request is accepted, and stays with
the export; so do the jobs that make them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from snapshot_export.domain.formats import kind_of

Item = TypeVar("Item")

ALL_SHEETS = "ALL"
MERGED_FORMAT = "PDF"
MAX_SHEETS_PER_JOB = 5
"""SheetSelections of one SnapshotFile in the service model."""
MAX_MERGED_BYTES = 48 * 1024 * 1024
"""Of all sheets' PDFs together: what the function's memory takes, several times over."""
MAX_MERGED_PAGES = 2_000
MERGE_TOO_LARGE = "MERGE_TOO_LARGE"
MERGE_FAILED = "MERGE_FAILED"


@dataclass(frozen=True, kw_only=True)
class MergedSheets:
    """What a request asks to have in one PDF: these sheets, or None: all that are published."""

    sheet_ids: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Merge:
    """What of an accepted export is merged: each file from position `first` on.

    `titles` are the files' names, in their order: those of their sheets. Where a file has several,
    `sheets` are the names of those in each; it is empty where each has one.
    """

    first: int
    titles: tuple[str, ...]
    sheets: tuple[tuple[str, ...], ...] = ()

    @property
    def bookmarks(self) -> tuple[tuple[str, ...], ...]:
        """The names of the sheets in each file."""
        return self.sheets or tuple((title,) for title in self.titles)

    def holds(self, position: int) -> bool:
        """Whether the file at this position of FileGroups is a part of the merged one."""
        return position >= self.first


def expand(
    snapshot: dict[str, Any], sheets: Sequence[tuple[str, str]], per_job: int = 1
) -> tuple[dict[str, Any], Merge | None]:
    """The snapshot with PDFs of the sheets, given by id and title, behind its own files: one of
    each, or of up to `per_job` that follow each other."""
    if not sheets:
        return snapshot, None
    configuration = snapshot["SnapshotConfiguration"]
    own = configuration["FileGroups"]
    files = _in_batches(sheets, per_job)
    names = tuple(tuple(title or sheet_id for sheet_id, title in file) for file in files)
    merge = Merge(
        first=len(own),
        titles=tuple(map(", ".join, names)),
        sheets=names if per_job > 1 else (),
    )
    groups = [*own, *(_group_of(sheet_id for sheet_id, _ in file) for file in files)]
    return snapshot | {"SnapshotConfiguration": configuration | {"FileGroups": groups}}, merge


def kinds_asked(body: dict[str, Any], published: int, per_job: int = 1) -> tuple[str, ...]:
    """The kind (formats.kind_of) of each file that jobs make for the body of a request, of a
    dashboard that has so many `published` sheets."""
    groups = (body.get("SnapshotConfiguration") or {}).get("FileGroups") or ()
    formats = tuple(str(group["Files"][0]["FormatType"]) for group in groups)
    if body.get("Probe"):
        formats = ("CSV", *formats)
    wanted = (body.get("Merge") or {}).get("Sheets", ())
    count = max(1, published) if wanted == ALL_SHEETS else len(wanted)
    files = _in_batches(range(count), per_job)
    return formats + tuple(kind_of(MERGED_FORMAT, len(sheets)) for sheets in files)


def _in_batches(items: Iterable[Item], size: int) -> list[tuple[Item, ...]]:
    rest = iter(items)
    return list(iter(lambda: tuple(islice(rest, size)), ()))


def _group_of(sheet_ids: Iterable[str]) -> dict[str, Any]:
    selections = [{"SheetId": each, "SelectionScope": "ALL_VISUALS"} for each in sheet_ids]
    return {"Files": [{"SheetSelections": selections, "FormatType": MERGED_FORMAT}]}

"""Sheets of a dashboard as one PDF: which they are, and how they become jobs.

QuickSight makes a PDF of one sheet in a job [? sheets-in-one-pdf], so each sheet is a part of the
export (domain/parts.py), in the order of the file. Which sheets "ALL" are is decided once, by what
is published when the request is accepted, and stays with the export.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ALL_SHEETS = "ALL"
MERGED_FORMAT = "PDF"
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
    """What of an accepted export is merged: each file from position `first` on is one sheet.

    `titles` are the sheets' names, in their order, which name the bookmarks.
    """

    first: int
    titles: tuple[str, ...]

    def holds(self, position: int) -> bool:
        """Whether the file at this position of FileGroups is a sheet of the merged one."""
        return position >= self.first


def expand(
    snapshot: dict[str, Any], sheets: Sequence[tuple[str, str]]
) -> tuple[dict[str, Any], Merge | None]:
    """The snapshot with a PDF of each sheet, given by id and title, behind its own files."""
    if not sheets:
        return snapshot, None
    configuration = snapshot["SnapshotConfiguration"]
    own = configuration["FileGroups"]
    groups = [*own, *(_group_of(sheet_id) for sheet_id, _ in sheets)]
    merge = Merge(first=len(own), titles=tuple(title or sheet_id for sheet_id, title in sheets))
    return snapshot | {"SnapshotConfiguration": configuration | {"FileGroups": groups}}, merge


def formats_asked(body: dict[str, Any], published: int) -> tuple[str, ...]:
    """FormatType of each file that jobs make for the body of a request, of a dashboard that has
    so many `published` sheets."""
    groups = (body.get("SnapshotConfiguration") or {}).get("FileGroups") or ()
    formats = tuple(str(group["Files"][0]["FormatType"]) for group in groups)
    if body.get("Probe"):
        formats = ("CSV", *formats)
    wanted = (body.get("Merge") or {}).get("Sheets", ())
    count = max(1, published) if wanted == ALL_SHEETS else len(wanted)
    return formats + (MERGED_FORMAT,) * count


def _group_of(sheet_id: str) -> dict[str, Any]:
    selection = {"SheetId": sheet_id, "SelectionScope": "ALL_VISUALS"}
    return {"Files": [{"SheetSelections": [selection], "FormatType": MERGED_FORMAT}]}

"""Whether there is anything to say: does a CSV or a workbook have a row below its header?

Nothing is counted: the first row ends the reading, so memory and time do not grow with the file.
What cannot be read with certainty is an error, and never "empty". QuickSight's own files without
rows have been seen on the emulator only [? files-without-rows].
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Any
from xml.etree import ElementTree

ROWS_UNREADABLE = "ROWS_UNREADABLE"
HEAD_BYTES = 1024 * 1024
"""Of a CSV, in which its header and a row must lie."""
MAX_WORKBOOK_BYTES = 64 * 1024 * 1024
"""A larger workbook has rows; unpacked, a worksheet must show a second row within as much."""
JUDGED_FORMATS = ("CSV", "EXCEL")


class IfEmpty(StrEnum):
    """What happens with an export that has nothing to say."""

    SEND = "SEND"
    SKIP = "SKIP"
    NOTE = "NOTE"


class UnreadableRowsError(ValueError):
    """A file of which nobody can say whether it has rows."""


@dataclass(frozen=True, kw_only=True)
class EmptyRule:
    """How an export is judged. `action` is of IfEmpty.

    `probe` is the position of the CSV that decides, None: all CSVs and workbooks do. One that
    `is_hidden` is the first of FileGroups, was asked for by the Probe alone, and is not delivered.
    """

    action: str
    probe: int | None = None
    is_hidden: bool = False

    def judged(self, formats: tuple[str, ...]) -> tuple[int, ...]:
        """Positions of the files that decide."""
        if self.probe is not None:
            return (self.probe,)
        return tuple(at for at, kind in enumerate(formats) if kind in JUDGED_FORMATS)


def with_rule(
    snapshot: dict[str, Any], action: str, probe: tuple[str, str] | None
) -> tuple[dict[str, Any], EmptyRule | None]:
    """The snapshot with the CSV of the probe, a sheet and a visual, as its first file; and how the
    export is judged."""
    if action == IfEmpty.SEND:
        return snapshot, None
    if probe is None:
        return snapshot, EmptyRule(action=action)
    sheet_id, visual_id = probe
    selection = {
        "SheetId": sheet_id,
        "SelectionScope": "SELECTED_VISUALS",
        "VisualIds": [visual_id],
    }
    group = {"Files": [{"SheetSelections": [selection], "FormatType": "CSV"}]}
    configuration = snapshot["SnapshotConfiguration"]
    groups = [group, *configuration["FileGroups"]]
    rule = EmptyRule(action=action, probe=0, is_hidden=True)
    return snapshot | {"SnapshotConfiguration": configuration | {"FileGroups": groups}}, rule


def csv_has_rows(head: bytes, *, is_whole: bool) -> bool:
    """Whether a CSV, of which this is the beginning, has a row. Raises UnreadableRowsError."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=is_whole)
        if "\0" in text:
            raise UnreadableRowsError("it holds NUL characters")
        reader = csv.reader(io.StringIO(text, newline=""), strict=is_whole)
        records = (record for record in reader if record)
        has_header = next(records, None) is not None
        has_row = next(records, None) is not None
    except (UnicodeDecodeError, csv.Error):
        raise UnreadableRowsError("it is no CSV in UTF-8") from None
    if not has_header:
        raise UnreadableRowsError("it has no header line")
    if not has_row and not is_whole:
        raise UnreadableRowsError(f"its header is longer than {HEAD_BYTES} bytes")
    return has_row


def workbook_has_rows(file: IO[bytes]) -> bool:
    """Whether any worksheet has a second row with a cell. Raises UnreadableRowsError."""
    try:
        with zipfile.ZipFile(file) as archive:
            sheets = [
                name
                for name in archive.namelist()
                if name.startswith("xl/worksheets/") and name.endswith(".xml")
            ]
            if not sheets:
                raise UnreadableRowsError("it has no worksheet")
            return any(_sheet_has_rows(archive, name) for name in sheets)
    except (
        zipfile.BadZipFile,
        zlib.error,
        ElementTree.ParseError,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
    ):
        raise UnreadableRowsError("it is no workbook that can be read") from None


def _sheet_has_rows(archive: zipfile.ZipFile, name: str) -> bool:
    rows = 0
    with archive.open(name) as sheet:
        for _, element in ElementTree.iterparse(_Bounded(sheet)):
            if element.tag.rpartition("}")[2] == "row":
                rows += any(len(cell) for cell in element)
                element.clear()
            if rows > 1:
                return True
    return False


class _Bounded:
    """A worksheet as it is unpacked, up to MAX_WORKBOOK_BYTES of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = MAX_WORKBOOK_BYTES

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises UnreadableRowsError."""
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise UnreadableRowsError("a worksheet is too large before its second row")
        return data

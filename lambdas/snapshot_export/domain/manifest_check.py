"""What is no manifest at all, seen from its first bytes: the likely cause, and what should stand.

Each answer is one sentence without a value of the file, since its first line may be a recipient's.
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass

from snapshot_export.domain.burst import ManifestFormat
from snapshot_export.domain.manifest_lines import Record, split_records
from snapshot_export.domain.problem import InvalidRequestError
from snapshot_export.domain.recipients import (
    COLUMNS,
    MEMBERS,
    Columns,
    column_rule,
    read_columns,
)

HEAD_BYTES = 65_536
"""As many of a file's first bytes are looked at."""
MAX_MESSAGE_CHARACTERS = 500
"""Of what is wrong with a header."""
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_MAGIC = {
    b"PK\x03\x04": "an Excel workbook or another zip archive",
    b"PK\x05\x06": "an empty zip archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook of the old kind",
    b"\x1f\x8b": "compressed by gzip",
    b"%PDF": "a PDF",
}
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class ManifestFault:
    """Why a file is no manifest: the code of the burst's error, and a sentence."""

    code: str
    message: str


def find_fault(head: bytes, kind: ManifestFormat) -> ManifestFault | None:
    """What keeps a file from being a manifest of this kind, or None where its lines are judged.

    `head` are the file's first HEAD_BYTES, or all of it.
    """
    head = head[:HEAD_BYTES]
    text = head.removeprefix(_MARK)
    if not text.strip():
        return _fault("MANIFEST_EMPTY", "is empty", kind)
    cause = _bytes_cause(head) or _encoding_cause(text, len(head) == HEAD_BYTES)
    if cause is None:
        first = next(line for line in re.split(rb"[\r\n]+", text) if line.strip())
        line = first.decode(errors="replace")
        if kind is ManifestFormat.CSV:
            if cause := _header_cause(line):
                return _fault("MANIFEST_HEADER_INVALID", cause, kind)
            cause = "holds JSON and not CSV" if line.lstrip()[0] in "[{" else None
        else:
            cause = _json_cause(line)
    return _fault("MANIFEST_FORMAT_INVALID", cause, kind) if cause else None


def read_header(head: bytes) -> tuple[Columns, Record] | ManifestFault:
    """The columns of a CSV in which `find_fault` found none, and the record that names them.

    `head` are its first bytes, with the whole header.
    """
    record = next(split_records([head], is_csv=True))
    try:
        return read_columns(record), record
    except InvalidRequestError as error:
        text = f"{str(error)[:MAX_MESSAGE_CHARACTERS]}; the columns may be {COLUMNS}"
        return ManifestFault("MANIFEST_HEADER_INVALID", text)


def _fault(code: str, cause: str, kind: ManifestFormat) -> ManifestFault:
    wanted = {
        ManifestFormat.CSV: "a CSV manifest is UTF-8, with commas between the cells and a header "
        f"of columns: {COLUMNS}",
        ManifestFormat.JSON_LINES: "a JSON_LINES manifest is UTF-8, with one object on each line, "
        f"of the members {MEMBERS}",
    }
    return ManifestFault(code, f"the file {cause}; {wanted[kind]}")


def _bytes_cause(head: bytes) -> str | None:
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            return f"is {what}"
    if head.startswith(_WIDE_MARKS) or b"\x00" in head[:8]:
        return "is UTF-16 or UTF-32"
    if head.lstrip().startswith(b"<"):
        return "is HTML or XML"
    return None


def _encoding_cause(text: bytes, is_cut: bool) -> str | None:
    """A file of another encoding throughout. Single lines of one are refused alone."""
    lines = re.split(rb"[\r\n]+", text)
    marked = [line for line in lines[: -1 if is_cut else None] if not line.isascii()]
    if not marked or any(map(_is_utf8, marked)):
        return None
    if len(marked) == 1 and marked[0] is not lines[0]:
        return None
    return "is probably Windows-1252 or Latin-1"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _header_cause(header: str) -> str | None:
    if re.match(r'"?sep=', header, re.IGNORECASE):
        return "begins with a line sep= for Excel"
    by_comma = _cells(header, ",")
    are_columns = not any(map(column_rule, by_comma))
    for separator, name in _SEPARATORS.items():
        cells = _cells(header, separator)
        found = sum(column_rule(cell) is None for cell in cells)
        if len(cells) > 1 and (found == len(cells) if are_columns else found or len(by_comma) == 1):
            return f"has {name} between its cells"
    return None


def _json_cause(line: str) -> str | None:
    is_array = line.lstrip().startswith("[")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        if is_array:
            return "holds a JSON array"
        if line.strip() == "{":
            return "holds a JSON object that goes over several lines"
        is_csv = any(
            column_rule(cell) is None
            for separator in (",", *_SEPARATORS)
            for cell in _cells(line, separator)
        )
        return "holds CSV and not JSON" if is_csv else None
    return "holds a JSON array" if is_array and value else None


def _cells(line: str, separator: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return line.split(separator)

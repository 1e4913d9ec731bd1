"""Where an export's files are put and what they are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from snapshot_export.domain.snapshot_request import Format
from snapshot_export.domain.templates import TemplateError, moment_of, parse_template, render

RAW_PREFIX = "snapshots"
"""Where QuickSight writes, under names of its own; expires after some days."""
EXPORT_PREFIX = "exports"
"""Where the finished files lie."""
MAX_KEY_BYTES = 900
"""S3 takes 1024; the rest is for numbers that keep equal names apart."""


def raw_prefix(export_id: str) -> str:
    """BucketPrefix for QuickSight in the stack's own bucket."""
    return f"{RAW_PREFIX}/{export_id}/"


@dataclass(frozen=True, kw_only=True)
class FileShape:
    """What a name may tell of a file: its format and the id of its first sheet."""

    format: str
    sheet: str = ""


@dataclass(frozen=True, kw_only=True)
class NameFields:
    """What a name may tell of an export. `accepted_at` in epoch seconds."""

    export_id: str
    dashboard_id: str
    accepted_at: float
    burst_id: str = ""
    recipient: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """The folder that all names of the export, or of its burst, stay in."""
        return f"{EXPORT_PREFIX}/{self.burst_id or self.export_id}/"


def shapes_of(snapshot: Mapping[str, Any]) -> tuple[FileShape, ...]:
    """The files that a checked snapshot configuration asks for, in the order of FileGroups."""
    files = (group["Files"][0] for group in snapshot["SnapshotConfiguration"]["FileGroups"])
    return tuple(
        FileShape(format=file["FormatType"], sheet=file["SheetSelections"][0]["SheetId"])
        for file in files
    )


def check_segments(name: str) -> None:
    """Raise TemplateError for a name that is no plain relative path."""
    if any(ord(character) < 32 or ord(character) == 127 or character == "\\" for character in name):
        raise TemplateError("must not hold control characters or backslashes")
    if any(segment.strip() in ("", ".", "..") for segment in name.split("/")):
        raise TemplateError("must be a relative path without empty, '.' or '..' segments")


def file_keys(name: str | None, fields: NameFields, files: Sequence[FileShape]) -> tuple[str, ...]:
    """Object keys of an export's files, in the order of FileGroups.

    `exports/<ExportId>/<name><suffix>`, or `exports/<BurstId>/...` for a recipient of a burst.
    `name` is a template (domain/templates.py); without one it is the dashboard's id. Files that
    would share a key are numbered from 1. Raises TemplateError for a name that, written out,
    leaves its prefix or is too long.
    """
    template = parse_template(name or "{dashboard}")
    moment = moment_of(fields.accepted_at)
    seen = Counter[str]()
    stems = []
    for file in files:
        seen[file.format] += 1
        stem = render(template, _values(fields, file, seen[file.format]), fields.tags, moment)
        stems.append(_checked(stem, fields.prefix))
    return _apart(
        [(fields.prefix + s, Format(f.format).suffix) for s, f in zip(stems, files, strict=True)]
    )


def apart_from(key: str, export_id: str) -> str:
    """The key for a file whose own key another recipient of the burst has: with the export's id."""
    stem, dot, suffix = key.rpartition(".")
    return f"{stem}-{export_id}{dot}{suffix}"


def _values(fields: NameFields, file: FileShape, number: int) -> dict[str, str]:
    return {
        "export": fields.export_id,
        "burst": fields.burst_id,
        "recipient": fields.recipient,
        "dashboard": fields.dashboard_id,
        "sheet": file.sheet,
        "format": file.format.lower(),
        "number": str(number),
    }


def _checked(stem: str, prefix: str) -> str:
    check_segments(stem)
    if len((prefix + stem).encode()) > MAX_KEY_BYTES:
        raise TemplateError(f"must give keys of at most {MAX_KEY_BYTES} bytes")
    return stem


def _apart(names: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    totals = Counter(names)
    used = {stem + suffix for (stem, suffix), total in totals.items() if total == 1}
    keys = []
    for stem, suffix in names:
        number, key = 0, stem + suffix
        while totals[(stem, suffix)] > 1 and (number == 0 or key in used):
            number += 1
            key = f"{stem}-{number}{suffix}"
        used.add(key)
        keys.append(key)
    return tuple(keys)

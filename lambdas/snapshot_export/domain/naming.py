"""Where an export's files are put and what they are called."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from snapshot_export.domain.formats import Format
from snapshot_export.domain.merge import Merge
from snapshot_export.domain.prefixes import EXPORTS_PREFIX, SNAPSHOTS_PREFIX
from snapshot_export.domain.templates import TemplateError, moment_of, parse_template, render
from snapshot_export.domain.zipped import ZIP_FORMAT

MAX_KEY_BYTES = 900
"""S3 takes 1024; the rest is for numbers that keep equal names apart."""

MAX_KEYS = 4
"""How many keys are tried for a file: the last ones hold what no other export has."""
_UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories: control, format (with the bidirectional ones), surrogates, separators."""
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?")
"""Names of devices (Microsoft Learn, "Naming Files, Paths, and Namespaces")."""


def raw_prefix(export_id: str, nonce: str = "") -> str:
    """BucketPrefix for QuickSight in the target's own bucket: a folder of this export only.

    Versions before had none for each use of an id, and wrote without the nonce.
    """
    own = f"{SNAPSHOTS_PREFIX}{export_id}/"
    return f"{own}{nonce}/" if nonce else own


def raw_folder_of(snapshot: Mapping[str, Any], export_id: str, bucket: str) -> str | None:
    """Where QuickSight writes for this export alone in `bucket`; None if it writes elsewhere."""
    configuration = snapshot["SnapshotConfiguration"].get("DestinationConfiguration", {})
    for destination in configuration.get("S3Destinations") or ():
        place = destination["BucketConfiguration"]
        prefix: str = place["BucketPrefix"]
        if place["BucketName"] == bucket and prefix.startswith(raw_prefix(export_id)):
            return prefix if prefix.endswith("/") else f"{prefix}/"
    return None


@dataclass(frozen=True, kw_only=True)
class RequestedFile:
    """What a name may hold of a file: its format, the id of its first sheet, and whether it has a
    password."""

    format: str
    sheet: str = ""
    is_protected: bool = False

    @property
    def suffix(self) -> str:
        """Of its key, with the dot: what has a password is a PDF, or lies in a zip of its own."""
        if self.format == ZIP_FORMAT:
            return ".zip"
        plain = Format(self.format).suffix
        return f"{plain}.zip" if self.is_protected and self.format != Format.PDF else plain


@dataclass(frozen=True, kw_only=True)
class NameFields:
    """What a name may hold of an export. `accepted_at` in epoch seconds."""

    export_id: str
    dashboard_id: str
    accepted_at: float
    burst_id: str = ""
    recipient: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """The folder that all names of the export, or of its burst, stay in."""
        return f"{EXPORTS_PREFIX}{self.burst_id or self.export_id}/"


def shapes_of(snapshot: Mapping[str, Any]) -> tuple[RequestedFile, ...]:
    """The files that a checked snapshot configuration asks for, in the order of FileGroups."""
    files = (group["Files"][0] for group in snapshot["SnapshotConfiguration"]["FileGroups"])
    return tuple(
        RequestedFile(format=file["FormatType"], sheet=file["SheetSelections"][0]["SheetId"])
        for file in files
    )


def delivered_shapes(
    snapshot: Mapping[str, Any],
    merge: Merge | None,
    hidden: int = 0,
    *,
    zipped: bool = False,
    protected: bool = False,
) -> tuple[RequestedFile, ...]:
    """The files that an export is delivered as: sheets that are merged are one, the last, and the
    first `hidden` are none. With `zipped` the zip of them stands behind; `protected` ones have a
    password."""
    shapes = tuple(replace(each, is_protected=protected) for each in shapes_of(snapshot))
    files = shapes[hidden:] if merge is None else shapes[hidden : merge.first + 1]
    return (*files, replace(files[0], format=ZIP_FORMAT)) if zipped and files else files


def check_segments(name: str) -> None:
    """Raise TemplateError for a name that is no plain relative path on every file system."""
    if "\\" in name or any(unicodedata.category(each) in _UNPRINTABLE for each in name):
        raise TemplateError(
            "must not hold backslashes, or control, format or bidirectional characters"
        )
    segments = name.split("/")
    if any(segment.strip() in ("", ".", "..") for segment in segments):
        raise TemplateError("must be a relative path without empty, '.' or '..' segments")
    if any(segment != segment.rstrip().rstrip(".") for segment in segments):
        raise TemplateError("must not have a dot or a space at the end of a segment")
    if any(_RESERVED.fullmatch(segment) for segment in segments):
        raise TemplateError(
            "must not have a segment that Windows reserves: CON, PRN, AUX, NUL, COM0 to COM9 or "
            "LPT0 to LPT9, with or without a suffix"
        )


def fold(key: str) -> str:
    """One text for all keys that are one file where case or normalization do not count.

    Unicode's canonical caseless matching (The Unicode Standard, D145), as file systems of macOS
    and Windows compare names or more widely.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", key).casefold())


def file_keys(
    name: str | None, fields: NameFields, files: Sequence[RequestedFile]
) -> tuple[str, ...]:
    """Object keys of an export's files, in the order of FileGroups, as written_keys gives them.

    Raises TemplateError for a name that, written out, is no plain relative path on every file
    system or is too long. To be judged once, when the export is accepted: a later version's rules
    may be stricter.
    """
    for stem in _stems(name, fields, files):
        check_segments(stem)
        if len((fields.prefix + stem).encode()) > MAX_KEY_BYTES:
            raise TemplateError(f"must give keys of at most {MAX_KEY_BYTES} bytes")
    return written_keys(name, fields, files)


def written_keys(
    name: str | None, fields: NameFields, files: Sequence[RequestedFile]
) -> tuple[str, ...]:
    """Object keys of the files of an export that was accepted, in the order of FileGroups.

    `exports/<ExportId>/<name><suffix>`, or `exports/<BurstId>/...` for a recipient of a burst.
    `name` is a template (domain/templates.py); without one it is the dashboard's id. Files that
    would share a key, case and normalization aside, are numbered from 1.
    """
    stems = [fields.prefix + stem for stem in _stems(name, fields, files)]
    return _apart(list(zip(stems, (each.suffix for each in files), strict=True)))


def keys_for(key: str, export_id: str, nonce: str) -> Iterator[str]:
    """The keys that a file may have, in the order in which they are tried: another may have one.

    Its own; with the export's id; with the id and what sets it apart from others of the same id.
    """
    yield key
    yield apart_from(key, export_id)
    own = f"{export_id}-{nonce}"
    yield apart_from(key, own)
    yield from (apart_from(key, f"{own}-{number}") for number in range(2, MAX_KEYS - 1))


def apart_from(key: str, mark: str) -> str:
    """The key with a mark before its suffix."""
    stem, dot, suffix = key.rpartition(".")
    return f"{stem}-{mark}{dot}{suffix}"


def _stems(name: str | None, fields: NameFields, files: Sequence[RequestedFile]) -> list[str]:
    """The name written out for each file. Raises TemplateError for a field without a value."""
    template = parse_template(name or "{dashboard}")
    moment = moment_of(fields.accepted_at)
    seen = Counter[str]()
    stems = []
    for file in files:
        seen[file.format] += 1
        values = _values(fields, file, seen[file.format])
        stems.append(render(template, values, fields.tags, moment))
    return stems


def _values(fields: NameFields, file: RequestedFile, number: int) -> dict[str, str]:
    return {
        "export": fields.export_id,
        "burst": fields.burst_id,
        "recipient": fields.recipient,
        "dashboard": fields.dashboard_id,
        "sheet": file.sheet,
        "format": file.format.lower(),
        "number": str(number),
    }


def _apart(names: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    totals = Counter(fold(stem + suffix) for stem, suffix in names)
    used = {folded for folded, total in totals.items() if total == 1}
    keys = []
    for stem, suffix in names:
        number, key = 0, stem + suffix
        is_shared = totals[fold(key)] > 1
        while is_shared and (number == 0 or fold(key) in used):
            number += 1
            key = f"{stem}-{number}{suffix}"
        used.add(fold(key))
        keys.append(key)
    return tuple(keys)

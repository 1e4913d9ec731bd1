"""Where an export's files are put and what they are called."""

from __future__ import annotations

from collections import Counter

from snapshot_export.domain.snapshot_request import Format

RAW_PREFIX = "snapshots"
"""Where QuickSight writes, under names of its own; expires after some days."""
EXPORT_PREFIX = "exports"
"""Where the finished files lie."""


def raw_prefix(export_id: str) -> str:
    """BucketPrefix for QuickSight in the stack's own bucket."""
    return f"{RAW_PREFIX}/{export_id}/"


def file_keys(export_id: str, name: str, formats: tuple[str, ...]) -> tuple[str, ...]:
    """Object keys of an export's files, in the order of FileGroups.

    `exports/<ExportId>/<name><suffix>`; several files of one format are numbered from 1.
    """
    totals, seen, keys = Counter(formats), Counter[str](), []
    for kind in formats:
        seen[kind] += 1
        number = f"-{seen[kind]}" if totals[kind] > 1 else ""
        keys.append(f"{EXPORT_PREFIX}/{export_id}/{name}{number}{Format(kind).suffix}")
    return tuple(keys)

"""A manifest on this machine, read as the functions read it: what it is, and who is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from snapshots.errors import UsageError, describe_problem

if TYPE_CHECKING:
    from snapshot_export.domain.problem import Problem

FORMATS = {".csv": "CSV", ".jsonl": "JSON_LINES", ".ndjson": "JSON_LINES", ".json": "JSON_LINES"}
"""What a burst's Manifest calls a file by its suffix."""
_MAX_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A file of `accepted` recipients; `refused` are lines with what is wrong with each."""

    path: str
    content: bytes
    accepted: int
    refused: Sequence[tuple[int, Sequence[Problem]]]


def format_of(path: str) -> str:
    """The format of a manifest by its suffix. Raises UsageError."""
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(f"--manifest must end with {', '.join(FORMATS)}, not {suffix or path}")
    return FORMATS[suffix]


def read_manifest(path: str, *, same_rows_for_all: bool | None = None) -> Manifest:
    """A manifest with its recipients judged, but for what the template and the deployment demand.

    `same_rows_for_all` is None where it is not known. Raises UsageError for a file that is no
    manifest, or none of whose recipients would be accepted.
    """
    from snapshot_export.domain.burst import ManifestFormat  # pydantic, which is slow to import
    from snapshot_export.domain.burst_request import check_rows
    from snapshot_export.domain.manifest_check import ManifestFault, find_fault, read_header
    from snapshot_export.domain.manifest_lines import split_records
    from snapshot_export.domain.problem import InvalidRequestError
    from snapshot_export.domain.recipients import RecipientIds, recipient_of

    kind = ManifestFormat(format_of(path))
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    if fault := find_fault(content, kind):
        raise UsageError(f"{path}: {fault.message}")
    is_csv = kind is ManifestFormat.CSV
    records = split_records([content], is_csv=is_csv)
    columns = None
    if is_csv:
        header = read_header(content)
        if isinstance(header, ManifestFault):
            raise UsageError(f"{path}: {header.message}")
        columns, _ = header
        next(records)
    ids = RecipientIds()
    accepted, refused = 0, []
    for record in records:
        problems = ids.add(record, columns)
        try:
            recipient = recipient_of(record, columns)
            if same_rows_for_all is not None:
                check_rows(recipient, same_rows_for_all=same_rows_for_all)
        except InvalidRequestError as error:
            problems += error.problems
        if problems:
            refused.append((record.line, problems))
        else:
            accepted += 1
    manifest = Manifest(path=path, content=content, accepted=accepted, refused=refused)
    if not accepted:
        raise UsageError(
            "; ".join((f"{path}: no recipient is accepted", *_describe_refused(manifest)))
        )
    return manifest


def print_refused(console: Console, manifest: Manifest) -> None:
    """Which of its recipients will be refused: a line each, of the first of them."""
    for line in _describe_refused(manifest):
        console.print("[yellow]warning:[/yellow] ", end="", soft_wrap=True)
        console.print(f"{manifest.path}: {line}", markup=False, soft_wrap=True)


def _describe_refused(manifest: Manifest) -> list[str]:
    lines = [
        f"line {line}: {'; '.join(describe_problem(_as_json(each)) for each in problems)}"
        for line, problems in manifest.refused[:_MAX_LINES]
    ]
    if more := len(manifest.refused) - len(lines):
        lines.append(f"and {more} more")
    if count := len(manifest.refused):
        lines.append(f"{count} of {count + manifest.accepted} recipients will be refused")
    return lines


def _as_json(problem: Problem) -> dict[str, Any]:
    return {"Field": problem.field, "Place": problem.place, "Rule": problem.rule}

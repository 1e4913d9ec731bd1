"""A request with more files than one snapshot job makes is done in parts, one job after another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from snapshot_export.domain.formats import MAX_FILES_PER_JOB, kind_of
from snapshot_export.domain.results import FileSelection

Group = dict[str, Any]
IN_TURN = "|"
"""Between the labels of jobs that are made one after another; none of them holds it."""


def split_file_groups(kinds: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    """Positions of the file groups that each part's job makes, in the order of the request.

    As few parts as the limits of one job allow: 1 PDF, 1 EXCEL and 5 CSV files
    (and so at most 7 groups, the service model's bound).
    """
    parts: list[list[int]] = []
    counts: dict[str, int] = {}
    for position, kind in enumerate(kinds):
        file_format = kind.partition(" ")[0]
        index = counts.get(file_format, 0) // MAX_FILES_PER_JOB[file_format]
        counts[file_format] = counts.get(file_format, 0) + 1
        if index == len(parts):
            parts.append([])
        parts[index].append(position)
    return tuple(tuple(part) for part in parts)


def formats_of_part(snapshot: dict[str, Any], part: int) -> str:
    """What one part's job makes, as in "2 CSV+PDF": jobs alike in this take alike long."""
    return label_of(_kinds_of(snapshot_of_part(snapshot, part)))


def labels_of_parts(kinds: tuple[str, ...]) -> list[str]:
    """What each part's job makes, for a request with files of these kinds."""
    parts = split_file_groups(kinds)
    return [label_of(kinds[position] for position in part) for part in parts]


def later_parts(snapshot: dict[str, Any], part: int) -> str | None:
    """What the jobs behind a part's make, one label behind the other; None if it is the last."""
    return IN_TURN.join(labels_of_parts(_kinds_of(snapshot))[part + 1 :]) or None


def label_of(kinds: Iterable[str]) -> str:
    """The files of one job as one text."""
    counts = Counter(kinds)
    return "+".join(
        kind if count == 1 else f"{count} {kind}" for kind, count in sorted(counts.items())
    )


def formats_of(snapshot: dict[str, Any]) -> tuple[str, ...]:
    """FormatType of each file, in the order of FileGroups."""
    groups = snapshot["SnapshotConfiguration"]["FileGroups"]
    return tuple(group["Files"][0]["FormatType"] for group in groups)


def _kinds_of(snapshot: dict[str, Any]) -> tuple[str, ...]:
    files = (group["Files"][0] for group in snapshot["SnapshotConfiguration"]["FileGroups"])
    return tuple(kind_of(file["FormatType"], len(file["SheetSelections"])) for file in files)


def selections_of(snapshot: dict[str, Any]) -> tuple[FileSelection, ...]:
    """What each file shows, in the order of FileGroups."""
    groups = snapshot["SnapshotConfiguration"]["FileGroups"]
    return tuple(FileSelection.of(group["Files"][0]) for group in groups)


def snapshot_of_part(snapshot: dict[str, Any], part: int) -> dict[str, Any]:
    """What is sent to QuickSight for one part of a request."""
    configuration = snapshot["SnapshotConfiguration"]
    groups = configuration["FileGroups"]
    chosen = [groups[position] for position in split_file_groups(formats_of(snapshot))[part]]
    return snapshot | {"SnapshotConfiguration": configuration | {"FileGroups": chosen}}

"""Which file of a job's result is which file of the request: by what the result echoes of it.

DescribeDashboardSnapshotJobResult answers file groups, each with the `Files` that it stands for
(FormatType, SheetSelections) and `S3Results`. Neither the service model nor the documentation gives
them an order, so a place in the list means nothing. A request may ask for a file once only
(snapshot_request.py), so within a job the echo names one file; and a group has one file and one
destination, so it has one result [? result-echo].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snapshot_export.domain.export import ErrorInfo

NO_FILE = "NO_FILE"
"""Error code: a file that was asked for is missing from the result."""
RESULT_MISMATCH = "RESULT_MISMATCH"
"""Error code: the result has a file that cannot be matched with one that was asked for."""


class ResultMismatchError(ValueError):
    """A result whose files cannot be told apart with certainty. Its text has no values."""


@dataclass(frozen=True, kw_only=True)
class FileSelection:
    """What a file shows, whatever the order in which its sheets and visuals are named."""

    format: str
    sheets: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Of each SheetSelection: sheet, scope, and the visuals if only some are selected."""

    @classmethod
    def of(cls, file: Mapping[str, Any]) -> FileSelection:
        """What one of `Files` shows, of a request or of a result."""
        return cls(
            format=file.get("FormatType", ""),
            sheets=tuple(sorted(map(_sheet_of, file.get("SheetSelections") or ()))),
        )


@dataclass(frozen=True, kw_only=True)
class FileOutcome:
    """Where a file is, an `s3://` or expiring `https://` address, or why there is none."""

    uri: str | None = None
    error: ErrorInfo | None = None


@dataclass(frozen=True, kw_only=True)
class ResultGroup:
    """One file group of a result: the files that it says it stands for, and its results."""

    files: tuple[FileSelection, ...]
    outcomes: tuple[FileOutcome, ...]


def match_results(
    asked: Mapping[int, FileSelection], groups: Sequence[ResultGroup]
) -> dict[int, FileOutcome]:
    """The outcome of each file that a job was asked for, by its position in the request.

    A file without a result has the error NO_FILE. Raises ResultMismatchError for a result that
    names no file or several, none that was asked for, or one more often than it was asked for:
    whose figures it holds is then unknown. Files that ask for the same (in requests of versions
    that took them) are alike, and each takes one of their results.
    """
    open_positions: dict[FileSelection, list[int]] = {}
    for position, selection in asked.items():
        open_positions.setdefault(selection, []).append(position)
    wanted = frozenset(open_positions)
    found: dict[int, FileOutcome] = {}
    for number, group in enumerate(groups, start=1):
        place = f"result {number} of {len(groups)}"
        if len(group.files) != 1:
            raise ResultMismatchError(f"{place} names {len(group.files)} files instead of one")
        selection = group.files[0]
        if selection not in wanted:
            raise ResultMismatchError(f"{place} is no file that was asked for")
        if not open_positions[selection]:
            raise ResultMismatchError(f"{place} is a file that another result is already")
        position = open_positions[selection].pop(0)
        if len(group.outcomes) > 1:
            text = f"file {position} ({selection.format}) has {len(group.outcomes)} results"
            raise ResultMismatchError(f"{text} instead of one")
        found[position] = _outcome_of(group)
    missing = FileOutcome(error=ErrorInfo(NO_FILE, "QuickSight's result does not have the file"))
    return {position: found.get(position, missing) for position in asked}


def _outcome_of(group: ResultGroup) -> FileOutcome:
    outcome = group.outcomes[0] if group.outcomes else FileOutcome()
    if outcome.uri is None and outcome.error is None:
        return FileOutcome(error=ErrorInfo(NO_FILE, "QuickSight gave no address"))
    return outcome


def _sheet_of(selection: Mapping[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    scope = selection.get("SelectionScope", "")
    visuals = selection.get("VisualIds") or () if scope == "SELECTED_VISUALS" else ()
    return selection.get("SheetId", ""), scope, tuple(sorted(visuals))

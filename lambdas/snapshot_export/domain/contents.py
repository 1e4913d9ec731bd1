"""Whether a dashboard, as it is published, has what a request names: sheets, tables, parameters.

What is not known is not judged: without the definition only the sheets are. A sheet may have the id
that either operation gives it, and its visuals are judged by the definition's only [? sheet-ids]. A
parameter's name is compared without regard to case, since AWS's own example of an address writes it
in another case than the parameter's [? parameter-case].
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from snapshot_export.domain.dashboard import PARAMETER_MEMBERS, Published, Sheet
from snapshot_export.domain.formats import MAX_FILE_GROUPS
from snapshot_export.domain.merge import ALL_SHEETS, MergedSheets
from snapshot_export.domain.problem import InvalidRequestError, Problem

MAX_NAMES = 20
"""Of those that exist, how many a rule names."""


class Part(StrEnum):
    """What a request names."""

    DASHBOARD = "DASHBOARD"
    SHEET = "SHEET"
    VISUAL = "VISUAL"
    PARAMETER = "PARAMETER"


@dataclass(frozen=True, kw_only=True)
class MissingPart:
    """What a request names and is not there, or not as that: `name` is its id."""

    part: Part
    name: str


@dataclass(frozen=True, kw_only=True)
class Missing(MissingPart):
    """The same with its place in the request, and the rule that it breaks."""

    problem: Problem


def missing_in(published: Published, snapshot: Mapping[str, Any]) -> tuple[Missing, ...]:
    """What an export's snapshot, or its body, names in vain, each at its place in the body."""
    configuration = snapshot.get("SnapshotConfiguration") or {}
    merged = (snapshot.get("Merge") or {}).get("Sheets", ())
    parameters = configuration.get("Parameters") or {}
    place = "SnapshotConfiguration"
    return (
        *_missing_sheets(published, configuration.get("FileGroups") or [], f"{place}.FileGroups"),
        *_missing_probe(published, snapshot.get("Probe")),
        *missing_merged(published, () if merged == ALL_SHEETS else merged),
        *missing_parameters(published, parameters, f"{place}.Parameters"),
    )


def without_probe(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """An export's snapshot whose first file is its Probe, as the body has it."""
    configuration = snapshot["SnapshotConfiguration"]
    first, *groups = configuration["FileGroups"]
    (selection,) = first["Files"][0]["SheetSelections"]
    return {
        **snapshot,
        "SnapshotConfiguration": configuration | {"FileGroups": groups},
        "Probe": {"SheetId": selection["SheetId"], "VisualId": selection["VisualIds"][0]},
    }


def _missing_probe(published: Published, probe: Mapping[str, Any] | None) -> Iterator[Missing]:
    if not probe:
        return
    selection = {"SheetId": probe["SheetId"], "VisualIds": [probe["VisualId"]]}
    group = {"Files": [{"SheetSelections": [selection]}]}
    for each in _missing_sheets(published, [group], ""):
        member = "SheetId" if each.part is Part.SHEET else "VisualId"
        yield replace(each, problem=Problem(f"Probe.{member}", each.problem.rule))


def missing_merged(published: Published, sheet_ids: Sequence[str]) -> Iterator[Missing]:
    """The sheets of a Merge that the dashboard does not have."""
    known = sheets_by_id(published)
    rule = f"must be a sheet of the dashboard: {_known_sheets(published)}"
    for index, sheet_id in enumerate(sheet_ids):
        if known and sheet_id not in known:
            problem = Problem(f"Merge.Sheets[{index}]", rule)
            yield Missing(part=Part.SHEET, name=sheet_id, problem=problem)


def choose_sheets(
    published: Published, merge: MergedSheets, files: int
) -> tuple[tuple[str, str], ...]:
    """The sheets that are merged, by id and title, beside so many other `files`.

    Raises InvalidRequestError for sheets that are not there, are too many or are not known.
    """
    if merge.sheet_ids is not None:
        if missing := tuple(each.problem for each in missing_merged(published, merge.sheet_ids)):
            raise InvalidRequestError(missing)
        return titled_sheets(published, merge.sheet_ids)
    chosen = tuple((each.sheet_id, each.name) for each in published.sheets)
    rule = ""
    if not chosen:
        rule = "must name the sheets: those of the dashboard could not be read"
    elif len(chosen) + files > MAX_FILE_GROUPS:
        rule = (
            f"must name some of the {len(chosen)} sheets: at most {MAX_FILE_GROUPS} together with "
            f"the FileGroups, of which there are {files}"
        )
    if rule:
        raise InvalidRequestError((Problem("Merge.Sheets", rule),))
    return chosen


def titled_sheets(published: Published, sheet_ids: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Sheets by id and title; without a title where nothing is known of one."""
    known = sheets_by_id(published)
    return tuple((each, known[each].name if each in known else "") for each in sheet_ids)


def sheets_by_id(published: Published) -> dict[str, Sheet]:
    """Its sheets by every id that is known of them."""
    of_version = published.version.sheets if published.version else ()
    return {sheet.sheet_id: sheet for sheet in (*of_version, *published.sheets)}


def missing_parameters(
    published: Published, parameters: Mapping[str, Any], place: str
) -> Iterator[Missing]:
    """The parameters that the dashboard does not have, or of another type."""
    if published.current is None:
        return
    members = {each.name.casefold(): each.member for each in published.current.parameters}
    known = [f"{each.name} ({each.member})" for each in published.current.parameters]
    for kind in PARAMETER_MEMBERS:
        for index, each in enumerate(parameters.get(kind) or ()):
            member = members.get(each["Name"].casefold())
            if member == kind:
                continue
            if member is None:
                where = "Name"
                rule = f"must be a parameter of the dashboard: {_named(known)}"
            else:
                where = "Values"
                rule = f"must be of the parameter's type, and stand in {member}"
            problem = Problem(f"{place}.{kind}[{index}].{where}", rule)
            yield Missing(part=Part.PARAMETER, name=each["Name"], problem=problem)


def _missing_sheets(
    published: Published, groups: list[dict[str, Any]], place: str
) -> Iterator[Missing]:
    sheets = sheets_by_id(published)
    judged = published.current.sheets if published.current else ()
    if not sheets:
        return
    known = _known_sheets(published)
    for number, group in enumerate(groups):
        for index, selection in enumerate(group["Files"][0]["SheetSelections"]):
            there = f"{place}[{number}].Files[0].SheetSelections[{index}]"
            sheet = sheets.get(selection["SheetId"])
            if sheet is None:
                rule = f"must be a sheet of the dashboard: {known}"
                problem = Problem(f"{there}.SheetId", rule)
                yield Missing(part=Part.SHEET, name=selection["SheetId"], problem=problem)
            elif sheet in judged:
                yield from _missing_visuals(sheet, selection.get("VisualIds") or (), there)


def _missing_visuals(sheet: Sheet, wanted: Collection[str], place: str) -> Iterator[Missing]:
    tables = {visual.visual_id: visual.title for visual in sheet.tables}
    others = {visual.visual_id: visual.kind for visual in sheet.visuals}
    known = [_titled(visual_id, title) for visual_id, title in tables.items()]
    for index, visual_id in enumerate(wanted):
        if visual_id in tables:
            continue
        is_other = f", and is a {others[visual_id]}" if visual_id in others else ""
        rule = f"must be a table or pivot table of sheet {sheet.sheet_id}{is_other}"
        problem = Problem(f"{place}.VisualIds[{index}]", f"{rule}: {_named(known)}")
        yield Missing(part=Part.VISUAL, name=visual_id, problem=problem)


def _known_sheets(published: Published) -> str:
    return _named([_titled(each.sheet_id, each.name) for each in published.sheets])


def _titled(an_id: str, title: str) -> str:
    return f"{an_id} (“{title}”)" if title else an_id


def _named(names: list[str]) -> str:
    more = len(names) - MAX_NAMES
    shown = ", ".join(names[:MAX_NAMES])
    return f"{shown}, and {more} more" if more > 0 else shown or "it has none"

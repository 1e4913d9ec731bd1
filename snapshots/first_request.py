"""What `snapshots init` writes: an export, a burst and a manifest, from what the API shows of a
dashboard. Every document is accepted as it is."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from snapshots.errors import UsageError

PLACEHOLDER = "example"
"""A tag's value where none was given: it is accepted, and shows no rows."""
_DASHBOARD = re.compile(r"/dashboards/([\w-]+)(?:/sheets/([\w-]+))?")
_ID = re.compile(r"[\w-]{1,512}", re.ASCII)


@dataclass(frozen=True)
class Address:
    """A dashboard as a user names it; `region` and `sheet` are there in a browser's address."""

    dashboard_id: str
    sheet: str | None = None
    region: str | None = None

    @classmethod
    def parse(cls, text: str) -> Address:
        """An id, or an address such as
        https://eu-west-1.quicksight.aws.amazon.com/sn/account/NAME/dashboards/ID/sheets/ID_SHEET.

        Raises UsageError.
        """
        if _ID.fullmatch(text):
            return cls(text)
        found = _DASHBOARD.search(text)
        if not found:
            raise UsageError("--dashboard takes a dashboard's id, or its address in the browser")
        region = re.match(r"https://([a-z0-9-]+)\.quicksight\.", text)
        return cls(found[1], found[2], region[1] if region else None)


@dataclass(frozen=True)
class Table:
    """A table or pivot table on its sheet."""

    sheet_id: str
    visual_id: str
    title: str = ""


def find_sheet(sheets: Sequence[Mapping[str, Any]], wanted: str) -> Mapping[str, Any]:
    """The sheet of this id or name, or of the id that an address has: `<dashboard>_<sheet>`
    [? sheet-address]. Raises UsageError that names the known ones."""
    for sheet in sheets:
        sheet_id = sheet["SheetId"]
        if wanted in (sheet_id, sheet["Name"]) or wanted.endswith(f"_{sheet_id}"):
            return sheet
    known = ", ".join(sheet["SheetId"] for sheet in sheets)
    raise UsageError(f"no sheet {wanted}; the dashboard has {known}")


def tables_of(sheets: Iterable[Mapping[str, Any]]) -> list[Table]:
    """The tables and pivot tables of sheets whose visuals are known."""
    return [
        Table(sheet["SheetId"], visual["VisualId"], visual["Title"])
        for sheet in sheets
        for visual in sheet["Visuals"] or ()
        if visual["Formats"]
    ]


def find_table(tables: Sequence[Table], wanted: str) -> Table:
    """The table of this id or title. Raises UsageError that names the known ones."""
    for table in tables:
        if wanted in (table.visual_id, table.title):
            return table
    known = ", ".join(table.visual_id for table in tables) or "none"
    raise UsageError(f"no table or pivot table {wanted} on these sheets; there are {known}")


def file_groups(
    formats: Iterable[str], sheets: Sequence[Mapping[str, Any]], tables: Sequence[Table]
) -> list[dict[str, Any]]:
    """A PDF of each sheet, a CSV of each table, workbooks of as many tables as one takes.

    Raises UsageError for more files than an export takes.
    """
    from snapshot_export.domain.formats import MAX_FILE_GROUPS
    from snapshot_export.domain.snapshot_request import MAX_EXCEL_VISUALS

    made: list[dict[str, Any]] = []
    for kind in dict.fromkeys(formats):
        if kind == "PDF":
            made += [
                _group(kind, [{"SheetId": each["SheetId"], "SelectionScope": "ALL_VISUALS"}])
                for each in sheets
            ]
        else:
            many = MAX_EXCEL_VISUALS if kind == "EXCEL" else 1
            parts = (tables[first : first + many] for first in range(0, len(tables), many))
            made += [_group(kind, [*_selections(part)]) for part in parts]
    if len(made) > MAX_FILE_GROUPS:
        text = f"{len(made)} files are more than the {MAX_FILE_GROUPS} that an export takes"
        raise UsageError(f"{text}: name fewer with --sheet and --visual")
    return made


def files_of(groups: list[dict[str, Any]], merged: Sequence[str] | None) -> dict[str, Any]:
    """The members that say which files: `merged` are the sheets that are one PDF, all if it is
    empty."""
    made: dict[str, Any] = {}
    if merged is not None:
        made["Merge"] = {"FormatType": "PDF", "Sheets": [*merged] or "ALL"}
    if groups:
        made["SnapshotConfiguration"] = {"FileGroups": groups}
    return made


def export_request(
    dashboard: Mapping[str, Any], files: Mapping[str, Any], tags: Mapping[str, str]
) -> dict[str, Any]:
    """The body of POST /exports for one viewer with these tags."""
    user = {"RowLevelPermissionTags": [{"Key": key, "Value": tags[key]} for key in tags]}
    return {
        **_head(dashboard),
        "UserConfiguration": {"AnonymousUsers": [user if tags else {}]},
        **files,
    }


def burst_request(dashboard: Mapping[str, Any], files: Mapping[str, Any]) -> dict[str, Any]:
    """The body of POST /bursts without its manifest. Where no data set demands tags, all see the
    same rows."""
    template = {
        **_head(dashboard),
        "Name": "{recipient}",
        **files,
    }
    same = {} if dashboard["DemandedTags"] else {"SameRowsForAll": True}
    return {"Template": template, **same}


def sample_manifest(
    dashboard: Mapping[str, Any],
    tags: Mapping[str, str],
    parameters: Iterable[Mapping[str, Any]],
) -> str:
    """A CSV manifest of one recipient: a column for each tag and parameter; a parameter has its
    default, or an empty cell, which leaves it as it is."""
    cells: dict[str, str] = {"RecipientId": "example-1"}
    cells |= {f"tag:{key}": tags[key] for key in dashboard["DemandedTags"]}
    for each in parameters:
        column = f"parameter:{each['Type'].lower()}:{each['Name']}"
        cells[column] = str(each["Defaults"][0]) if each["Defaults"] else ""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((cells.keys(), cells.values()))
    return text.getvalue()


def _head(dashboard: Mapping[str, Any]) -> dict[str, Any]:
    from snapshot_export.domain.target import DEFAULT_TARGET

    target = dashboard["Target"]
    named = {} if target == DEFAULT_TARGET else {"Target": target}
    return {"DashboardId": dashboard["DashboardId"], **named}


def _group(kind: str, selections: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Files": [{"FormatType": kind, "SheetSelections": selections}]}


def _selections(tables: Iterable[Table]) -> Iterator[dict[str, Any]]:
    for sheet_id, some in groupby(tables, key=lambda table: table.sheet_id):
        yield {
            "SheetId": sheet_id,
            "SelectionScope": "SELECTED_VISUALS",
            "VisualIds": [table.visual_id for table in some],
        }

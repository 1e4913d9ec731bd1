"""`snapshots init`: from a dashboard's id or address to a first request, burst and manifest."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from snapshots.errors import CliError, ExitCode, UsageError
from snapshots.first_request import (
    PLACEHOLDER,
    Address,
    Table,
    burst_request,
    export_request,
    file_groups,
    files_of,
    find_sheet,
    find_table,
    sample_manifest,
    tables_of,
)
from snapshots.help import examples
from snapshots.invocation import Invocation, command_options, target_option
from snapshots.layout import print_table
from snapshots.row_level_security import print_warnings

FORMATS = ("PDF", "CSV", "EXCEL")
REQUEST, BURST, MANIFEST = "request.json", "burst.json", "recipients.csv"


@dataclass(frozen=True)
class Wanted:
    """What the options name; what they leave open is asked for on a terminal."""

    sheets: Sequence[str]
    formats: Sequence[str]
    visuals: Sequence[str]
    tags: Mapping[str, str]
    asks: bool
    merge: bool


@click.command(
    epilog=examples(
        "init --dashboard sales-overview",
        "init --dashboard https://…/sn/dashboards/1a2b --into monthly",
        "init --dashboard sales-overview --visual lines --tag customer=c-1",
    ),
)
@click.option("--dashboard", metavar="ID|ADDRESS", required=True,
              help="The dashboard, by its id or its address in the browser.")  # fmt: skip
@click.option("--sheet", "sheets", metavar="ID|NAME", multiple=True,
              help="A sheet, again for more; the first unless given.")  # fmt: skip
@click.option("--format", "formats", multiple=True, type=click.Choice(FORMATS, False),
              help="What files, again for more; PDF unless given.")  # fmt: skip
@click.option("--merge", is_flag=True,
              help="The sheets as one PDF with bookmarks: all, unless --sheet names some.",
              )  # fmt: skip
@click.option("--visual", "visuals", metavar="ID|TITLE", multiple=True,
              help="A table for CSV and EXCEL, again for more; all of the sheets unless given.",
              )  # fmt: skip
@click.option("--tag", "tags", metavar="KEY=VALUE", multiple=True,
              help="A row-level-security tag of the example, again for more.")  # fmt: skip
@click.option("--into", metavar="DIR", default=".", show_default=True,
              type=click.Path(path_type=Path, file_okay=False), help="Where the files go.",
              )  # fmt: skip
@click.option("--force", is_flag=True, help="Write over files that are there.")
@target_option
@command_options
def init(
    invocation: Invocation,
    dashboard: str,
    sheets: tuple[str, ...],
    formats: tuple[str, ...],
    merge: bool,
    visuals: tuple[str, ...],
    tags: tuple[str, ...],
    into: Path,
    force: bool,
    target: str | None,
) -> int:
    """Write a first request, burst and manifest for a dashboard, as it is published.

    On a terminal it asks for what the options leave open. The files are request.json (for submit),
    burst.json and recipients.csv (for burst): they are accepted as they are.
    """
    address = Address.parse(dashboard)
    paths = {name: into / name for name in (REQUEST, BURST, MANIFEST)}
    there = [str(path) for path in paths.values() if path.exists()]
    if there and not force:
        raise UsageError(
            f"{', '.join(there)}: there already; --force writes over, --into elsewhere"
        )
    found = _look_at(invocation, address, target)
    asks = sys.stdin.isatty() and not invocation.as_json
    by_address = (address.sheet,) if address.sheet and not merge else ()
    wanted = Wanted(sheets or by_address, formats, visuals, _read_tags(tags, found), asks, merge)
    if not invocation.as_json:
        _show(invocation, found)
    print_warnings(invocation.err, [found])
    documents = _make(found, wanted)
    into.mkdir(parents=True, exist_ok=True)
    for name, text in documents.items():
        paths[name].write_text(text, encoding="utf-8")
    if invocation.as_json:
        invocation.print_json({"Dashboard": found, "Files": [str(each) for each in paths.values()]})
    else:
        _show_next(invocation, paths, PLACEHOLDER in documents[REQUEST])
    return ExitCode.OK


def _look_at(invocation: Invocation, address: Address, target: str | None) -> dict[str, Any]:
    try:
        return invocation.api.get("dashboards", address.dashboard_id, query={"Target": target})
    except CliError as error:
        if error.exit_code is ExitCode.NOT_FOUND and address.region:
            hint = f"its address is in {address.region}: --target names a target of that region"
            raise CliError(error.message, error.exit_code, code=error.code, hints=[hint]) from None
        raise


def _make(found: Mapping[str, Any], wanted: Wanted) -> dict[str, str]:
    """The files' texts by their names. Raises UsageError."""
    sheets = _choose_sheets(found, wanted)
    formats = _choose_formats(sheets, wanted)
    tables = _choose_tables(sheets, wanted) if {*formats} - {"PDF"} else []
    tags = _choose_tags(found, wanted)
    named = [sheet["SheetId"] for sheet in sheets] if wanted.sheets else []
    files = files_of(file_groups(formats, sheets, tables), named if wanted.merge else None)
    return {
        REQUEST: _json(export_request(found, files, tags)),
        BURST: _json(burst_request(found, files)),
        MANIFEST: sample_manifest(found, tags, found["Parameters"] or ()),
    }


def _choose_sheets(found: Mapping[str, Any], wanted: Wanted) -> list[Mapping[str, Any]]:
    sheets = found["Sheets"]
    if not sheets:
        raise UsageError(f"dashboard {found['DashboardId']} has no sheets")
    named = wanted.sheets
    if wanted.merge and not named:
        return [*sheets]
    if not named and wanted.asks and len(sheets) > 1:
        named = _ask("Sheets", [sheet["SheetId"] for sheet in sheets][:1])
    return [find_sheet(sheets, each) for each in dict.fromkeys(named)] or sheets[:1]


def _choose_formats(sheets: Sequence[Mapping[str, Any]], wanted: Wanted) -> Sequence[str]:
    if wanted.merge:
        return tuple(each for each in wanted.formats if each != "PDF")
    if wanted.formats:
        return wanted.formats
    if wanted.visuals:
        return ("CSV",)
    possible = [each for each in FORMATS if any(each in sheet["Formats"] for sheet in sheets)]
    if not wanted.asks or possible == ["PDF"]:
        return ("PDF",)
    chosen = [each.upper() for each in _ask(f"Formats ({', '.join(possible)})", ["PDF"])]
    if unknown := [each for each in chosen if each not in possible]:
        raise UsageError(f"no format of these sheets: {', '.join(unknown)}")
    return chosen


def _choose_tables(sheets: Sequence[Mapping[str, Any]], wanted: Wanted) -> list[Table]:
    if any(sheet["Visuals"] is None for sheet in sheets):
        if len(sheets) > 1 or not wanted.visuals:
            raise UsageError(
                "CSV and EXCEL need tables, and the dashboard's definition could not be read: name "
                "one --sheet and its tables with --visual ID"
            )
        return [Table(sheets[0]["SheetId"], each) for each in wanted.visuals]
    tables = tables_of(sheets)
    if not tables:
        raise UsageError("these sheets have no table or pivot table, which CSV and EXCEL hold")
    named = wanted.visuals
    if not named and wanted.asks and len(tables) > 1:
        named = _ask("Tables", [table.visual_id for table in tables])
    return [find_table(tables, each) for each in dict.fromkeys(named)] or tables


def _choose_tags(found: Mapping[str, Any], wanted: Wanted) -> dict[str, str]:
    chosen = dict(wanted.tags)
    for key in found["DemandedTags"]:
        if key in chosen:
            continue
        chosen[key] = PLACEHOLDER
        if wanted.asks:
            chosen[key] = click.prompt(f"Value of tag {key}", default=PLACEHOLDER, err=True)
    return chosen


def _ask(what: str, default: Sequence[str]) -> list[str]:
    """Names separated by commas."""
    given = click.prompt(f"{what}, separated by commas", default=",".join(default), err=True)
    return [each.strip() for each in str(given).split(",") if each.strip()]


def _read_tags(texts: Sequence[str], found: Mapping[str, Any]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for position, text in enumerate(texts, start=1):
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise UsageError(f"--tag {position}: must be KEY=VALUE")
        tags[key] = value
    demanded = found["DemandedTags"]
    if unknown := [key for key in tags if key not in _known_keys(found)]:
        keys = f"demand {', '.join(demanded)}" if demanded else "have no tag rules"
        raise UsageError(f"--tag {unknown[0]}: the dashboard's data sets {keys}")
    return tags


def _known_keys(found: Mapping[str, Any]) -> set[str]:
    rules = [each for data_set in found["DataSets"] for each in data_set["TagRules"]]
    return {key for each in rules for key in each["TagKeys"]}


def _show(invocation: Invocation, found: Mapping[str, Any]) -> None:
    """Sheets with their tables, parameters and tags, as a table that fits."""
    heading = f"{found['DashboardId']} “{found['Name']}”, version {found['VersionNumber']}"
    invocation.out.print(heading, markup=False, soft_wrap=True)
    rows = []
    for sheet in found["Sheets"]:
        rows.append(["sheet", sheet["SheetId"], sheet["Name"], "PDF"])
        rows += [
            ["table", table.visual_id, table.title, "CSV, EXCEL"] for table in tables_of([sheet])
        ]
    for each in found["Parameters"] or ():
        default = ", ".join(map(str, each["Defaults"])) or ("dynamic" * each["DefaultIsDynamic"])
        rows.append(["parameter", each["Name"], default, each["Type"]])
    rows += [["tag", key, "demanded", ""] for key in found["DemandedTags"]]
    columns = {"": 0, "id": 0, "title or default": 1, "as": 2}
    print_table(invocation, columns, [[escape(cell) for cell in row] for row in rows])


def _show_next(invocation: Invocation, paths: Mapping[str, Path], has_placeholder: bool) -> None:
    request, burst, manifest = map(str, paths.values())
    lines = [f"wrote {request}, {burst}, {manifest}"]
    if has_placeholder:
        lines.append(f"set tag values of yours in place of “{PLACEHOLDER}”, which shows no rows")
    lines += [
        f"next: {invocation.command_line('submit', request, '--wait', '--download', 'files')}",
        f"      {invocation.command_line('burst', burst, '--manifest', manifest, '--wait')}",
    ]
    for line in lines:
        invocation.out.print(line, markup=False, soft_wrap=True)


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

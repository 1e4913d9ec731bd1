"""The tables of a report: exports, and recipients that were refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from snapshot_export.domain.burst import Refusal
from snapshot_export.domain.export import ExportedFile
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.report.collector import Report, Row
from snapshot_export.report.words import count, length, place, reason, size, text

Link = Callable[[str], str | None]
"""The URL that an object's address is linked to, or None for no link."""


def column_heads(report: Report) -> Iterator[str]:
    """The heads of the columns that export_rows fills."""
    for name, kind in _columns_of(report).items():
        yield f'<th scope="col" class="{kind}"><button type="button">{name}</button></th>'


def _columns_of(report: Report) -> dict[str, str]:
    """Names and classes of the columns; those that would be empty are left out."""
    recipients = any(row.recipient_id for row in report.rows)
    return {
        **({"Line": "number wide"} if any(row.line is not None for row in report.rows) else {}),
        **({"Recipient": ""} if recipients else {}),
        "Export": "wide" if recipients else "",
        **({"Dashboard": "wide"} if len(report.dashboards) > 1 else {}),
        "Status": "",
        "Files": "",
        "Waited": "number wide",
        "Job": "number wide",
        "Attempts": "number wide",
    }


def export_rows(report: Report, link: Link) -> Iterator[str]:
    """One row for each export."""
    columns = _columns_of(report)
    return (_row(row, columns, link) for row in report.rows)


def _row(row: Row, columns: Mapping[str, str], link: Link) -> str:
    files = sum(file.uri is not None for file in row.files)
    cells: dict[str, tuple[object, object]] = {
        "Line": (None, row.line),
        "Recipient": (None, text(row.recipient_id or "")),
        "Export": (None, f'<span class="mono">{text(row.export_id)}</span>'),
        "Dashboard": (None, text(row.dashboard_id)),
        "Status": (None, _status(row)),
        "Files": (files, _files(row.files, link)),
        "Waited": (_key(row.waited), length(row.waited)),
        "Job": (_key(row.job_seconds), length(row.job_seconds)),
        "Attempts": (None, row.attempts),
    }
    return f"<tr>{''.join(_cell(kind, *cells[name]) for name, kind in columns.items())}</tr>\n"


def _cell(kind: str, key: object, value: object) -> str:
    """`key` is what the column is sorted by, None for what it shows."""
    attributes = f' class="{kind}"' if kind else ""
    attributes += f' data-key="{key}"' if key is not None else ""
    return f"<td{attributes}>{value}</td>"


def _key(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3f}"


def _status(row: Row) -> str:
    shown = f'<span class="state {row.status.value.lower()}">{row.status.value}</span>'
    if row.is_empty and row.error is None:
        return f'{shown}<div class="why">no rows{"" if row.files else ": not delivered"}</div>'
    return shown + (f'<div class="why">{reason(row.error)}</div>' if row.error else "")


def _files(found: Iterable[ExportedFile], link: Link) -> str:
    items = "".join(f"<li>{_file(file, link)}</li>" for file in found)
    return f'<ul class="files">{items}</ul>' if items else ""


def _file(file: ExportedFile, link: Link) -> str:
    if file.uri is None:
        return f'{text(file.format)} <span class="why">{reason(file.error)}</span>'
    name = text(ObjectAddress.parse(file.uri).name)
    address = link(file.uri)
    shown = f'<a href="{text(address)}" title="{text(file.uri)}">{name}</a>' if address else name
    if file.size is None:
        return shown
    return f'{shown} <span class="size">{size(file.size)}</span>'


def rows_note(report: Report) -> Iterator[str]:
    """What the rows leave out, if they do."""
    if report.rows_left_out:
        yield (
            f'<p class="note">Shown are {count(len(report.rows), "export")}, those that failed '
            f"first; {count(report.rows_left_out, 'other')} in {place(report.manifest)}.</p>"
        )


def refused_section(report: Report) -> Iterator[str]:
    """The recipients that were refused, if there are any."""
    if not report.refused:
        return
    yield '<section aria-labelledby="refused"><h2 id="refused">Refused recipients</h2>'
    yield '<div class="scroll" role="region" aria-labelledby="refused" tabindex="0"><table>'
    yield '<thead><tr><th scope="col" class="number">Line</th><th scope="col">Why</th></tr></thead>'
    yield "<tbody>"
    yield from map(_refused_row, report.refused)
    yield "</tbody></table></div>"
    if report.refused_left_out:
        left_out = count(report.refused_left_out, "more", "more")
        yield f'<p class="note">{left_out} in {place(report.manifest)}.</p>'
    yield "</section>"


def _refused_row(refused: Refusal) -> str:
    problems = "".join(
        f'<div><span class="mono">{text(each.place)}</span> {text(each.rule)}</div>'
        for each in refused.problems
    )
    return f'<tr><td class="number">{refused.line}</td><td>{problems}</td></tr>\n'

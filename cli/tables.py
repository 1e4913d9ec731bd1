"""The API's answers as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from cli.errors import describe_problem
from cli.times import seconds_between, show_seconds, show_time

_COLORS = {
    "COMPLETED": "green",
    "FAILED": "red",
    "REJECTED": "red",
    "CANCELLED": "yellow",
    "RUNNING": "cyan",
    "EXPANDING": "cyan",
}


def show_status(status: str) -> str:
    """A status in its colour."""
    color = _COLORS.get(status)
    return f"[{color}]{status}[/{color}]" if color else status


def at_least(count: int | None, is_at_least: bool | None) -> str:
    """A count, with a + if there are more than were counted."""
    return "" if count is None else f"{count}{'+' if is_at_least else ''}"


def is_marked(export: Mapping[str, Any]) -> bool:
    """Whether it still runs, and will end as CANCELLED."""
    return bool(export.get("CancelRequested")) and export["Status"] == "RUNNING"


def details_grid() -> Table:
    """A table of names and values."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table


def exports_table(exports: Iterable[Mapping[str, Any]], now: datetime) -> Table:
    """One row for each export."""
    table = _table("export", "status", "dashboard", "accepted", "ended", "took", "why")
    for export in exports:
        took = seconds_between(export.get("AcceptedAt"), export.get("FinishedAt"))
        table.add_row(
            escape(export["ExportId"]),
            show_status(export["Status"]),
            escape(export.get("DashboardId") or ""),
            show_time(export.get("AcceptedAt"), now=now),
            show_time(export.get("FinishedAt"), now=now),
            show_seconds(took) if took is not None else "",
            escape(_error_of(export)),
        )
    return table


def export_details(export: Mapping[str, Any], now: datetime) -> Table:
    """Every member of one export that has a value."""
    table = details_grid()
    rows = {
        "export": escape(export["ExportId"]),
        "status": show_status(export["Status"])
        + (", ends without files: cancelled" if is_marked(export) else ""),
        "reason": escape(_error_of(export)),
        "target": "" if (name := export.get("Target")) in (None, "default") else escape(name),
        "dashboard": escape(export.get("DashboardId") or ""),
        "name": escape(export.get("Name") or ""),
        "burst": escape(export.get("BurstId") or ""),
        "tags": escape(", ".join(f"{k}={v}" for k, v in (export.get("Tags") or {}).items())),
        "priority": str(export.get("Priority") or ""),
        "deadline": show_time(export.get("Deadline"), now=now),
        "attempt": str(export.get("Attempt") or ""),
        "accepted": show_time(export.get("AcceptedAt"), now=now),
        "admitted": show_time(export.get("AdmittedAt"), now=now),
        "place": at_least(export.get("Place"), export.get("PlaceIsAtLeast")),
        "expected end": show_time(export.get("ExpectedEnd"), now=now),
        "ended": show_time(export.get("FinishedAt"), now=now),
    }
    for file in export.get("Files") or ():
        rows[f"file {len(rows)}"] = escape(_file_of(file))
    for name, value in rows.items():
        if value:
            table.add_row(
                f"[dim]{name.split(' ')[0] if name[:5] == 'file ' else name}[/dim]", value
            )
    return table


def burst_details(burst: Mapping[str, Any], now: datetime) -> Table:
    """A burst's counts and the recipients that were refused."""
    table = details_grid()
    rows = [("burst", escape(burst["BurstId"])), ("status", show_status(burst["Status"]))]
    rows += [(name.lower(), str(count)) for name, count in burst["Counts"].items()]
    rows += [
        ("accepted at", show_time(burst.get("AcceptedAt"), now=now)),
        ("ended", show_time(burst.get("FinishedAt"), now=now)),
        ("manifest", escape(burst.get("ManifestS3Uri") or "")),
        ("report", escape(burst.get("ReportS3Uri") or "")),
        ("reason", escape(_error_of(burst))),
    ]
    for refusal in burst.get("Refusals") or ():
        told = "; ".join(describe_problem(problem) for problem in refusal.get("Problems", ()))
        rows.append((f"line {refusal.get('Line')}", f"[red]{escape(told)}[/red]"))
    if burst.get("RefusalsNextToken"):
        rows.append(("", "more lines were refused; see the manifest"))
    for name, value in rows:
        if value:
            table.add_row(f"[dim]{name}[/dim]", value)
    return table


def schedules_table(schedules: Iterable[Mapping[str, Any]]) -> Table:
    """One row for each schedule."""
    table = _table("schedule", "state", "when", "time zone", "window", "submits")
    for schedule in schedules:
        window = schedule.get("FlexibleTimeWindowMinutes")
        table.add_row(
            escape(schedule["Name"]),
            schedule.get("State") or "",
            escape(schedule.get("ScheduleExpression") or _ready_by(schedule)),
            schedule.get("ScheduleExpressionTimezone") or "UTC",
            f"{window} min" if window else "",
            _submitted_by(schedule),
        )
    return table


def _ready_by(schedule: Mapping[str, Any]) -> str:
    rule = schedule.get("ReadyBy") or {}
    days = rule.get("Days") or []
    return f"ready by {rule.get('Time')}{' ' + ','.join(days) if 0 < len(days) < 7 else ''}"


def _submitted_by(schedule: Mapping[str, Any]) -> str:
    kind = schedule.get("Kind") or ("Burst" if schedule.get("Burst") else "Export")
    origin = ", declared in schedules/" if schedule.get("Declared") else ""
    return f"{str(kind).lower()}{origin}"


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number < 2)
    return table


def _error_of(export: Mapping[str, Any]) -> str:
    error = export.get("Error") or {}
    return ": ".join(part for part in (error.get("Code"), error.get("Message")) if part)


def _file_of(file: Mapping[str, Any]) -> str:
    error = file.get("Error") or {}
    if error:
        return f"{file['FormatType']}: {error.get('Code')} {error.get('Message') or ''}".strip()
    size = f" ({file['Size']} bytes)" if file.get("Size") is not None else ""
    return f"{file['FormatType']}{size} {file.get('S3Uri') or ''}"

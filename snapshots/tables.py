"""The API's answers as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from snapshots.errors import describe_problem
from snapshots.invocation import Invocation
from snapshots.layout import print_details, print_table
from snapshots.times import seconds_between, show_seconds, show_time

_COLORS = {
    "COMPLETED": "green",
    "COMPLETED_WITH_FAILURES": "red",
    "FAILED": "red",
    "REJECTED": "red",
    "CANCELLED": "yellow",
    "RUNNING": "cyan",
    "COLLECTING": "cyan",
    "EXPANDING": "cyan",
    "QUERYING": "cyan",
    "WAITING_FOR_DATA": "cyan",
    "HELD": "yellow",
}


def show_status(found: Mapping[str, Any]) -> str:
    """The status of an export or a burst in its colour; COLLECTING is RUNNING without a slot."""
    status = "COLLECTING" if found.get("Collecting") else found.get("Status", "")
    color = _COLORS.get(status)
    return f"[{color}]{status}[/{color}]" if color else status


def at_least(count: int | None, is_at_least: bool | None) -> str:
    """A count, with a + if there are more than were counted."""
    return "" if count is None else f"{count}{'+' if is_at_least else ''}"


def describe_ceiling(capacity: Mapping[str, Any]) -> str:
    """How many jobs QuickSight allows at the moment, where that is less than the limit."""
    if not (ceiling := capacity.get("Ceiling")):
        return ""
    return f"{ceiling}: QuickSight refuses more; others use slots, or the limit is too high"


def is_marked(export: Mapping[str, Any]) -> bool:
    """Whether it still runs, and will end as CANCELLED."""
    return bool(export.get("CancelRequested")) and export["Status"] == "RUNNING"


def print_exports(
    invocation: Invocation, exports: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Each reason of a failure on a line of its own, then one row for each export."""
    print_reasons(invocation.out, exports)
    columns = {"export": 0, "status": 0, "took": 4, "dashboard": 3, "accepted": 2, "ended": 1}
    rows = []
    for export in exports:
        took = seconds_between(export.get("AcceptedAt"), export.get("FinishedAt"))
        rows.append(
            [
                escape(export["ExportId"]),
                show_status(export),
                show_seconds(took) if took is not None else "",
                escape(export.get("DashboardId") or ""),
                show_time(export.get("AcceptedAt"), now=now),
                show_time(export.get("FinishedAt"), now=now),
            ]
        )
    print_table(invocation, columns, rows)


def print_reasons(out: Console, found: Iterable[Mapping[str, Any]]) -> None:
    """Why exports and bursts failed: a line each, which only the terminal itself wraps."""
    for each in found:
        if reason := _error_of(each):
            ident = escape(each.get("ExportId") or each["BurstId"])
            out.print(f"[red]{each['Status']} {ident}: {escape(reason)}[/red]", soft_wrap=True)


def print_export(out: Console, export: Mapping[str, Any], now: datetime) -> None:
    """The reason of its failure, then every member of one export that has a value."""
    print_reasons(out, [export])
    rows = {
        "export": escape(export["ExportId"]),
        "status": show_status(export)
        + (", ends without files: cancelled" if is_marked(export) else ""),
        "rows": _rows_of(export),
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
        "data": escape(describe_data(export, now)),
        "password": "the files open with that of their secret" if export.get("Protected") else "",
    }
    files = [("file", _file_of(file)) for file in export.get("Files") or ()]
    print_details(out, [*rows.items(), *files, *describe_mails(export, now)])


def describe_mails(export: Mapping[str, Any], now: datetime) -> list[tuple[str, str]]:
    """Each mail of an export, to a masked address, and what became of it."""
    return [("mail", escape(_mail(each, now))) for each in export.get("Deliveries") or ()]


def _mail(delivery: Mapping[str, Any], now: datetime) -> str:
    parts = [f"{delivery['To']} {delivery['Status']}"]
    if sent := show_time(delivery.get("SentAt"), now=now):
        parts.append(f"sent {sent}")
    if links := delivery.get("Links"):
        parts.append(_links(links, now))
    if error := delivery.get("Error"):
        parts.append(_code_and_message(error))
    return ", ".join(parts)


def _links(links: Mapping[str, Any], now: datetime) -> str:
    times = "once" if links["Opened"] == 1 else f"{links['Opened']} times"
    opened = f"links opened {times}" if links["Opened"] else "links not opened yet"
    if links["Opened"]:
        opened += f", last {show_time(links['LastOpenedAt'], now=now)}"
    if links["RevokedAt"]:
        return f"{opened}, revoked {show_time(links['RevokedAt'], now=now)}"
    return f"{opened}, until {show_time(links['EndsAt'], now=now)}"


def _rows_of(export: Mapping[str, Any]) -> str:
    if not export.get("Empty"):
        return ""
    return "none" if export.get("Files") else "none, so no file is delivered"


def print_burst(out: Console, burst: Mapping[str, Any], now: datetime) -> None:
    """Why it failed, a burst's counts and the recipients that were refused."""
    print_reasons(out, [burst])
    if failures := describe_failures(burst):
        out.print(f"[red]{escape(failures)}[/red]", soft_wrap=True)
    rows = [("burst", escape(burst["BurstId"])), ("status", show_status(burst))]
    rows += [("revision", str(burst["Revision"]))] if burst.get("Revision", 1) > 1 else []
    rows += [(name.lower(), str(count)) for name, count in burst["Counts"].items()]
    rows += [("without rows", str(burst["Empty"]))] if burst.get("Empty") else []
    query = burst.get("Query") or {}
    rows += [
        ("query", escape(query.get("QueryExecutionId") or "")),
        ("found", _found_by(query)),
        *_hold_of(burst, now),
        ("rows", "the same for all recipients" if burst.get("SameRowsForAll") else ""),
        ("accepted at", show_time(burst.get("AcceptedAt"), now=now)),
        ("ended", show_time(burst.get("FinishedAt"), now=now)),
        ("data", escape(describe_data(burst, now))),
        ("manifest", escape(burst.get("ManifestS3Uri") or "")),
        ("report", escape(burst.get("ReportS3Uri") or "")),
        ("zip", escape(burst.get("ZipS3Uri") or "")),
    ]
    for refusal in burst.get("Refusals") or ():
        problems = "; ".join(describe_problem(problem) for problem in refusal.get("Problems", ()))
        rows.append((f"line {refusal.get('Line')}", f"[red]{escape(problems)}[/red]"))
    if burst.get("RefusalsNextToken"):
        rows.append(("", "more lines were refused; see the manifest"))
    print_details(out, rows)


def describe_data(found: Mapping[str, Any], now: datetime) -> str:
    """What data an export or a burst with After waits for, or what was decided of it."""
    if not (data := found.get("Data")):
        return ""
    if not data.get("Outcome"):
        until = show_time(data["Until"], now=now)
        return f"awaited until {until}, then {data['Otherwise']}: {', '.join(data['DataSetIds'])}"
    judged = [
        f"{each['DataSetId']}: {each['Reason']}"
        + (f", {each['RowsDropped']} rows dropped" if each.get("RowsDropped") else "")
        for each in data["DataSets"]
    ]
    return "; ".join([data["Outcome"].lower().replace("_", " "), *judged])


def _found_by(query: Mapping[str, Any]) -> str:
    if query.get("Found") is None:
        return ""
    expected = query.get("Expected")
    return f"{query['Found']} recipients" + (f", {expected} expected" if expected else "")


def _hold_of(burst: Mapping[str, Any], now: datetime) -> list[tuple[str, str]]:
    """Why a burst is held, or was, and until when."""
    if not (hold := burst.get("Hold")):
        return []
    return [
        ("held", f"[yellow]{escape(_code_and_message(hold))}[/yellow]"),
        ("held until", show_time(hold["HeldUntil"], now=now) if burst["Status"] == "HELD" else ""),
        ("released", show_time(hold.get("ReleasedAt"), now=now)),
    ]


def describe_failures(burst: Mapping[str, Any]) -> str:
    """`3 of 3 exports failed, 2 of them with CODE: message`, or "" if none did."""
    counts = burst["Counts"]
    if not (failed := counts.get("Failed")):
        return ""
    share_of_all = f"{failed} of {counts['Accepted']} exports failed"
    for main in burst.get("Reasons") or ():
        share = "all" if main["Count"] >= failed else str(main["Count"])
        return " ".join(f"{share_of_all}, {share} of them with {_code_and_message(main)}".split())
    return share_of_all


def print_schedules(invocation: Invocation, schedules: Iterable[Mapping[str, Any]]) -> None:
    """One row for each schedule."""
    columns = {"schedule": 0, "state": 1, "when": 0, "time zone": 2, "window": 4, "submits": 3}
    rows = []
    for schedule in schedules:
        window = schedule.get("FlexibleTimeWindowMinutes")
        rows.append(
            [
                escape(schedule["Name"]),
                schedule.get("State") or "",
                escape(schedule.get("ScheduleExpression") or _ready_by(schedule)),
                schedule.get("ScheduleExpressionTimezone") or "UTC",
                f"{window} min" if window else "",
                _submitted_by(schedule),
            ]
        )
    print_table(invocation, columns, rows)


def _ready_by(schedule: Mapping[str, Any]) -> str:
    rule = schedule.get("ReadyBy") or {}
    days = rule.get("Days") or []
    return f"ready by {rule.get('Time')}{' ' + ','.join(days) if 0 < len(days) < 7 else ''}"


def _submitted_by(schedule: Mapping[str, Any]) -> str:
    kind = schedule.get("Kind") or ("Burst" if schedule.get("Burst") else "Export")
    origin = ", declared in schedules/" if schedule.get("Declared") else ""
    return f"{str(kind).lower()}{origin}"


def _error_of(found: Mapping[str, Any]) -> str:
    return " ".join(_code_and_message(found.get("Error") or {}).split())


def _code_and_message(error: Mapping[str, Any]) -> str:
    return ": ".join(part for part in (error.get("Code"), error.get("Message")) if part)


def _file_of(file: Mapping[str, Any]) -> str:
    if reason := _error_of(file):
        return f"[red]{escape(file['FormatType'])}: {escape(reason)}[/red]"
    size = f" ({file['Size']} bytes)" if file.get("Size") is not None else ""
    return escape(f"{file['FormatType']}{size} {file.get('S3Uri') or ''}")

"""`snapshots plan`: when exports would be done, before they are submitted; and all that waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import click
from rich.markup import escape

from snapshot_export.domain.object_address import is_object_address
from snapshots.errors import UsageError
from snapshots.help import examples
from snapshots.inputs import FILE, read_object, read_objects
from snapshots.invocation import Invocation, command_options, target_option
from snapshots.layout import print_details, print_table
from snapshots.manifests import print_refused, read_manifest
from snapshots.tables import at_least
from snapshots.times import parse_time, seconds_between, show_seconds, show_time

Kind = tuple[str, tuple[str, ...]]
SheetCounts = Callable[[str, str | None], int]


@click.command(
    epilog=examples(
        "plan",
        "plan --dashboard sales-overview --count 300 --deadline 1h",
        "plan --template report.json --manifest customers.csv --start 30m",
    ),
)
@click.argument("source", metavar="[FILE|-]", required=False, type=FILE)
@click.option("--dashboard", metavar="ID", help="Plan exports of this dashboard.")
@click.option("--formats", metavar="LIST", default="PDF", show_default=True,
              help="Format of each file of an export: PDF,CSV,CSV.")  # fmt: skip
@click.option("--template", metavar="FILE", type=FILE, help="Plan a burst of this request.")
@click.option("--manifest", metavar="FILE", type=FILE, help="Its recipients, which are counted.")
@click.option("--count", type=click.IntRange(min=1), help="How many exports.")
@click.option("--priority", type=int, help="1 comes first, 9 last; 5 unless given.")
@click.option("--deadline", metavar="TIME", help="When it should be done: 2h, or a time.")
@click.option("--start", metavar="TIME", help="When it would be submitted; now unless given.")
@target_option
@command_options
def plan(
    invocation: Invocation,
    source: str | None,
    dashboard: str | None,
    formats: str,
    template: str | None,
    manifest: str | None,
    count: int | None,
    priority: int | None,
    deadline: str | None,
    start: str | None,
    target: str | None,
) -> int:
    """Forecast when exports are done, the chance to meet a deadline, and the latest safe start.

    Of the requests in FILE (as `submit` takes them), of a --dashboard, or of a --template with its
    --manifest. Without any of them: when all that runs and waits will be done. Submits nothing.
    """
    given = [each for each in (source, dashboard, template) if each]
    if len(given) > 1:
        raise UsageError("give one of FILE, --dashboard and --template")
    if not given:
        if any((manifest, count, priority, deadline, start)):
            raise UsageError("what shall be planned? give FILE, --dashboard or --template")
        return _show_forecast(invocation, target)
    if source:
        exports, target = _of_requests(invocation, source, count or 1, target)
    elif dashboard:
        names = tuple(name.strip().upper() for name in formats.split(",") if name.strip())
        exports = Counter({(dashboard, names): count or 1})
    else:
        number = _count_recipients(invocation, manifest) if manifest else count
        if number is None:
            raise UsageError("--template needs --manifest or --count")
        request = read_object(str(template))
        kind = _kind_of(request, target, _sheet_counts(invocation))
        exports, target = Counter({kind: number}), target or request.get("Target")
    body: dict[str, Any] = {
        "Exports": [
            {"DashboardId": name, "Formats": list(kinds), "Count": number}
            for (name, kinds), number in exports.items()
        ]
    }
    if target:
        body["Target"] = target
    if priority is not None:
        body["Priority"] = priority
    for member, text in (("Deadline", deadline), ("StartAt", start)):
        if text:
            body[member] = parse_time(text, now=invocation.now, direction=1)
    planned = invocation.api.post("forecast", body=body)
    if invocation.as_json:
        invocation.print_json(planned)
    else:
        print_details(invocation.out, _plan_details(planned, invocation.now).items())
    return 0


def _show_forecast(invocation: Invocation, target: str | None) -> int:
    forecast = invocation.api.get("forecast", query={"Target": target})
    if invocation.as_json:
        invocation.print_json(forecast)
        return 0
    print_details(invocation.out, _forecast_details(forecast, invocation.now).items())
    if forecast["Bursts"]:
        _print_bursts(invocation, forecast["Bursts"])
    if forecast.get("WaitingForData"):
        _print_awaited(invocation, forecast["WaitingForData"])
    return 0


def _of_requests(
    invocation: Invocation, source: str, count: int, target: str | None
) -> tuple[Counter[Kind], str | None]:
    """What a file asks for, and of which target: the one given, or the one that all name."""
    found: Counter[Kind] = Counter()
    targets = set()
    sheets = _sheet_counts(invocation)
    for placed in read_objects(source):
        found[_kind_of(placed.value, target, sheets)] += count
        targets.add(placed.value.get("Target"))
    if target is None and len(targets) > 1:
        raise UsageError("these requests are of several targets: plan those of each, or --target")
    return found, target or next(iter(targets), None)


def _sheet_counts(invocation: Invocation) -> SheetCounts:
    """How many sheets a dashboard of a target has; each is asked for once."""

    @cache
    def count(dashboard_id: str, target: str | None) -> int:
        answer = invocation.api.get("dashboards", dashboard_id, query={"Target": target})
        return len(answer["Sheets"])

    return count


def _kind_of(request: Mapping[str, Any], target: str | None, sheets: SheetCounts) -> Kind:
    """Dashboard and formats of an export request; of all sheets, as many as are published."""
    from snapshot_export.domain.merge import ALL_SHEETS, kinds_asked

    try:
        dashboard_id = str(request["DashboardId"])
        wants_all = (request.get("Merge") or {}).get("Sheets") == ALL_SHEETS
        count = sheets(dashboard_id, target or request.get("Target")) if wants_all else 0
        formats = kinds_asked(dict(request), count)
    except (AttributeError, KeyError, IndexError, TypeError):
        formats = ()
    if not formats:
        raise UsageError(
            "a request needs DashboardId and SnapshotConfiguration.FileGroups[].Files[].FormatType"
            " or Merge.Sheets"
        )
    return dashboard_id, formats


def _count_recipients(invocation: Invocation, path: str) -> int:
    """The recipients of a manifest that `snapshots burst` would accept."""
    if is_object_address(path):
        raise UsageError("a manifest in S3 is not read: give its --count instead")
    manifest = read_manifest(path)
    print_refused(invocation.err, manifest)
    return manifest.accepted


def _plan_details(planned: Mapping[str, Any], now: datetime) -> dict[str, str]:
    chance = planned["ChanceToMeetDeadline"]
    safe = show_time(planned["LatestSafeStart"], now=now)
    if planned["Deadline"] and not safe:
        safe = "[red]none: even now is too late[/red]"
    return {
        "exports": str(planned["Count"]),
        "starts": show_time(planned["StartAt"], now=now),
        "before them": _before(planned),
        "done about": _finish(planned, "FinishP50", now),
        "at the latest": _finish(planned, "FinishP95", now, " (19 of 20)"),
        "deadline": show_time(planned["Deadline"], now=now),
        "chance": "" if chance is None else _chance(chance),
        "latest safe start": safe,
        "learned": _learned(planned),
    }


def _forecast_details(forecast: Mapping[str, Any], now: datetime) -> dict[str, str]:
    if not forecast["Running"] and not forecast["Waiting"]:
        return {"slots": str(forecast["Slots"]), "done": "nothing runs or waits"}
    return {
        "slots": str(forecast["Slots"]),
        "to do": _before(forecast),
        "done about": _finish(forecast, "FinishP50", now),
        "at the latest": _finish(forecast, "FinishP95", now, " (19 of 20)"),
        "learned": _learned(forecast),
    }


def _print_bursts(invocation: Invocation, bursts: list[dict[str, Any]]) -> None:
    now = invocation.now
    columns = {
        "burst": 0, "open": 4, "done about": 0, "at the latest": 3, "deadline": 2, "chance": 1,
    }  # fmt: skip
    rows = [
        [
            escape(burst["BurstId"]),
            str(burst["Open"]),
            show_time(burst["FinishP50"], now=now),
            show_time(burst["FinishP95"], now=now),
            show_time(burst["Deadline"], now=now),
            "" if burst["ChanceToMeetDeadline"] is None else _chance(burst["ChanceToMeetDeadline"]),
        ]
        for burst in bursts
    ]
    print_table(invocation, columns, rows)


def _print_awaited(invocation: Invocation, awaited: list[dict[str, Any]]) -> None:
    """What waits for data: it is in none of the times above."""
    columns = {"waits for": 0, "requests": 4, "until": 0, "otherwise": 2, "refresh takes": 1}
    rows = [
        [
            escape(", ".join(each["DataSetIds"])),
            at_least(each["Requests"], each["RequestsIsAtLeast"]),
            show_time(each["Until"], now=invocation.now),
            each["Otherwise"].lower(),
            f"up to {show_seconds(each['RefreshSeconds'])}" if each["RefreshSeconds"] else "",
        ]
        for each in awaited
    ]
    print_table(invocation, columns, rows)


def _before(answer: Mapping[str, Any]) -> str:
    waiting = at_least(answer["Waiting"], answer["WaitingIsAtLeast"])
    return f"{answer['Running']} running, {waiting} waiting"


def _finish(answer: Mapping[str, Any], member: str, now: datetime, note: str = "") -> str:
    if not answer[member]:
        return "[red]never: no slot is open[/red]" if member == "FinishP50" else ""
    left = seconds_between(answer["At"], answer[member]) or 0.0
    return f"{show_time(answer[member], now=now)}, in {show_seconds(left)}{note}"


def _chance(chance: float) -> str:
    color = "green" if chance >= 0.95 else "yellow" if chance >= 0.5 else "red"
    return f"[{color}]{chance:.0%}[/{color}]"


def _learned(answer: Mapping[str, Any]) -> str:
    share = answer["LearnedShare"]
    if share is None or share >= 1:
        return ""
    return f"{share:.0%} of these exports are of dashboards and formats seen before"

"""`snapshots schedule`: recurring exports and bursts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

import click
from rich.markup import escape

from snapshots.errors import UsageError
from snapshots.help import Commands, examples
from snapshots.inputs import FILE, read_object
from snapshots.invocation import Invocation, command_options, common_options
from snapshots.tables import print_schedules

_ONLY_SHOWN = (
    "Name",
    "Declared",
    "Kind",
    "StartsAt",
    "Warnings",
)  # `get` shows them, `put` does not take them


@click.group(cls=Commands, epilog=examples("schedule list", "schedule put --help"))
@common_options
def schedule() -> None:
    """List, show, set, run and delete schedules."""


@schedule.command("list", epilog=examples("schedule list"))
@command_options
def list_schedules(invocation: Invocation) -> int:
    """List all schedules."""
    pages = invocation.api.pages("schedules", query={})
    schedules = [each for page in pages for each in page["Schedules"]]
    if invocation.as_json:
        invocation.print_json({"Schedules": schedules})
    elif schedules:
        print_schedules(invocation, schedules)
        _warn(invocation, schedules)
    else:
        invocation.err.print("there are no schedules")
    return 0


@schedule.command("get", epilog=examples("schedule get every-morning"))
@click.argument("name")
@command_options
def get_schedule(invocation: Invocation, name: str) -> int:
    """Show a schedule as JSON, as `put` takes it."""
    invocation.print_json(invocation.api.get("schedules", name))
    return 0


@schedule.command(
    "put",
    epilog=examples(
        "schedule put hourly --burst burst.json --expression 'rate(1 hour)'",
        "schedule put daily --export report.json --ready-by 07:00",
        "schedule put daily daily.json --timezone Europe/Berlin --disable",
    ),
)
@click.argument("name")
@click.argument("source", metavar="[FILE|-]", required=False, type=FILE)
@click.option("--export", metavar="FILE", type=FILE, help="The export request that it submits.")
@click.option("--burst", metavar="FILE", type=FILE, help="The burst request that it submits.")
@click.option("--expression", metavar="TEXT", help="When: cron(0 6 * * ? *), rate(1 day), at(…).")
@click.option("--ready-by", metavar="HH:MM", help="Instead: when it shall be done, every day.")
@click.option("--timezone", metavar="NAME", help="Time zone of the expression: Europe/Berlin.")
@click.option("--window", type=int, help="Minutes that it may start late.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether it fires.")
@command_options
def put_schedule(
    invocation: Invocation,
    name: str,
    source: str | None,
    export: str | None,
    burst: str | None,
    expression: str | None,
    ready_by: str | None,
    timezone: str | None,
    window: int | None,
    enabled: bool | None,
) -> int:
    """Create or replace a schedule from a JSON file, from options, or from both.

    Options are laid over the file's members.
    """
    if export and burst:
        raise UsageError("--export and --burst exclude each other: a schedule submits one thing")
    if expression and ready_by:
        raise UsageError("--expression and --ready-by exclude each other")
    given = read_object(source) if source else {}
    body = {
        key: value for key, value in given.items() if key not in _ONLY_SHOWN and value is not None
    }
    chosen = {
        "ScheduleExpression": expression,
        "ReadyBy": {**(body.get("ReadyBy") or {}), "Time": ready_by} if ready_by else None,
        "ScheduleExpressionTimezone": timezone,
        "FlexibleTimeWindowMinutes": window,
        "State": None if enabled is None else ("ENABLED" if enabled else "DISABLED"),
    }
    if expression or ready_by:
        body.pop("ReadyBy" if expression else "ScheduleExpression", None)
    body |= {key: value for key, value in chosen.items() if value is not None}
    body |= _submits(export, burst, body)
    if not body.get("ScheduleExpression") and not body.get("ReadyBy"):
        raise UsageError("give FILE, --expression or --ready-by")
    saved = {"Name": name, **invocation.api.put("schedules", name, body=body)}
    if invocation.as_json:
        invocation.print_json(saved)
    else:
        print_schedules(invocation, [{**body, **saved}])
    _warn(invocation, [saved])
    return 0


@schedule.command("delete", epilog=examples("schedule delete every-morning"))
@click.argument("name")
@command_options
def delete_schedule(invocation: Invocation, name: str) -> int:
    """Delete a schedule; what it has submitted goes on."""
    answer = {"Name": name, **invocation.api.delete("schedules", name)}
    if invocation.as_json:
        click.echo(json.dumps(answer))
    else:
        invocation.out.print(f"{name} deleted", markup=False)
    return 0


@schedule.command(
    "run",
    epilog=examples(
        "schedule run daily",
        "schedule run daily --at 2026-11-23",
        "schedule run daily --from 2026-11-01 --to 2026-11-14",
    ),
)
@click.argument("name")
@click.option("--at", metavar="DATE", help="An occurrence that was missed: its day, or its time.")
@click.option("--from", "first", metavar="DATE", help="Each occurrence from this day or time on,")
@click.option("--to", "last", metavar="DATE", help="to this one, both inclusive; 31 at most.")
@command_options
def run_schedule(
    invocation: Invocation, name: str, at: str | None, first: str | None, last: str | None
) -> int:
    """Run a schedule now, or occurrences that were missed.

    An occurrence runs once: what was accepted before stays as it is.
    """
    if at and (first or last):
        raise UsageError("--at and --from with --to exclude each other")
    if bool(first) != bool(last):
        raise UsageError("--from and --to go together")
    now = invocation.now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    body = {"From": first, "To": last} if first else {"At": at or now}
    answer = invocation.api.post("schedules", name, "run", body=body)
    if invocation.as_json:
        invocation.print_json(answer)
        return 0
    for each in answer["Occurrences"]:
        what = "accepted" if each["New"] else "was accepted before"
        invocation.out.print(f"{each['Id']} {what}", markup=False, soft_wrap=True)
    return 0


def _warn(invocation: Invocation, schedules: Iterable[Mapping[str, Any]]) -> None:
    """The API's warnings, a line each, on standard error."""
    for each in schedules:
        for text in each.get("Warnings") or ():
            line = f"[yellow]warning:[/yellow] {escape(each['Name'])}: {escape(text)}"
            invocation.err.print(line, soft_wrap=True)


def _submits(export: str | None, burst: str | None, body: dict[str, Any]) -> dict[str, Any]:
    """The member that holds what is submitted; an option takes the place of the file's."""
    if not export and not burst:
        return {}
    body.pop("Export", None)
    body.pop("Burst", None)
    return {"Export": read_object(export)} if export else {"Burst": read_object(str(burst))}

"""`snapshots capacity`: the limit of slots, and the pause."""

from __future__ import annotations

from typing import Any

import click

from snapshots.errors import UsageError
from snapshots.help import examples
from snapshots.invocation import Invocation, command_options, target_option
from snapshots.layout import print_details
from snapshots.tables import at_least, describe_ceiling
from snapshots.times import parse_time, show_time


@click.command(
    epilog=examples(
        "capacity",
        "capacity --limit 8 --reserve 2",
        "capacity --pause 30m",
    ),
)
@click.option("--limit", type=int, help="Let at most so many jobs run at once.")
@click.option("--default-limit", is_flag=True, help="Go back to the deployment's own limit.")
@click.option("--reserve", type=int, help="Leave so many slots to people.")
@click.option("--default-reserve", is_flag=True, help="Go back to the deployment's own reserve.")
@click.option("--pause", metavar="TIME", help="Start nothing for 30m, 2h, or until a time.")
@click.option("--resume", is_flag=True, help="End a pause now.")
@target_option
@command_options
def capacity(
    invocation: Invocation,
    limit: int | None,
    default_limit: bool,
    reserve: int | None,
    default_reserve: bool,
    pause: str | None,
    resume: bool,
    target: str | None,
) -> int:
    """Show the slots, or change how many are used. What runs already is never interrupted."""
    if pause and resume:
        raise UsageError("--pause and --resume exclude each other")
    if limit is not None and default_limit:
        raise UsageError("--limit and --default-limit exclude each other")
    if reserve is not None and default_reserve:
        raise UsageError("--reserve and --default-reserve exclude each other")
    change: dict[str, Any] = {"Limit": None} if default_limit else {}
    if limit is not None:
        change["Limit"] = limit
    if reserve is not None or default_reserve:
        change["ReservedSlots"] = reserve
    if pause:
        change["PausedUntil"] = parse_time(pause, now=invocation.now, direction=1)
    if resume:
        change["PausedUntil"] = None
    api, query = invocation.api, {"Target": target}
    if change:
        found = api.put("capacity", body=change, query=query)
    else:
        found = api.get("capacity", query=query)
    if invocation.as_json:
        invocation.print_json(found)
        return 0
    several = len(found.get("Targets", ())) > 1
    rows = {
        "target": f"{found['Target']} of {', '.join(found['Targets'])}" if several else "",
        "slots": f"{found['Running']} of {found['Limit']} held",
        "reserved": f"{found['ReservedSlots']} for people" if found.get("ReservedSlots") else "",
        "ceiling": describe_ceiling(found),
        "paused until": show_time(found.get("PausedUntil"), now=invocation.now),
        "waiting": at_least(found["Waiting"], found.get("WaitingIsAtLeast")),
        "last hour": f"{found['CompletedLastHour']} completed",
    }
    print_details(invocation.out, rows.items())
    return 0

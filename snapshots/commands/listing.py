"""`snapshots list`: exports, newest first, by page."""

from __future__ import annotations

from typing import Any

import click

from snapshot_export.domain.export import Status
from snapshots.api import PAGE
from snapshots.help import examples
from snapshots.invocation import Invocation, command_options
from snapshots.tables import print_exports
from snapshots.times import parse_time


@click.command(
    "list",
    epilog=examples(
        "list --since 1d --status FAILED",
        "list --recipient cust-0042 --since 7d",
        "list --burst november --all --json",
    ),
)
@click.option(
    "--status",
    type=click.Choice([status.value for status in Status], case_sensitive=False),
    metavar="STATUS",
    help=f"Only these: {', '.join(Status)}.",
)
@click.option("--burst", metavar="ID", help="Only exports of this burst.")
@click.option("--recipient", metavar="ID", help="Only exports that bursts made for this recipient.")
@click.option("--dashboard", metavar="ID", help="Only exports of this dashboard.")
@click.option("--since", metavar="TIME", help="Accepted since: 2h, 1d, or an ISO 8601 time.")
@click.option("--until", metavar="TIME", help="Accepted before: 2h, 1d, or an ISO 8601 time.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many."
)
@click.option("--all", "every", is_flag=True, help="All of them, page by page, whatever --limit.")
@click.option("--next-token", metavar="TOKEN", help="Go on where a list with --json ended.")
@command_options
def list_exports(
    invocation: Invocation,
    status: str | None,
    burst: str | None,
    recipient: str | None,
    dashboard: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    every: bool,
    next_token: str | None,
) -> int:
    """List exports, newest first."""
    now = invocation.now
    query = {
        "Status": status,
        "BurstId": burst,
        "RecipientId": recipient,
        "DashboardId": dashboard,
        "From": since and parse_time(since, now=now, direction=-1),
        "To": until and parse_time(until, now=now, direction=-1),
    }
    exports: list[dict[str, Any]] = []
    token = next_token
    while True:
        size = PAGE if every else min(PAGE, limit - len(exports))
        page = invocation.api.get("exports", query={**query, "Limit": size, "NextToken": token})
        exports += page["Exports"]
        token = page.get("NextToken")
        if not token or (not every and len(exports) >= limit):
            break
    if invocation.as_json:
        invocation.print_json({"Exports": exports, "NextToken": token})
        return 0
    print_exports(invocation, exports, now)
    if not exports:
        invocation.err.print("no exports match")
    elif token:
        invocation.err.print("there are more: see --limit, --all")
    return 0

"""`snapshots retry`: the exports of a burst that failed run again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from snapshots.commands.status import finish_burst
from snapshots.commands.waiting import timeout_seconds, wait_options
from snapshots.errors import ExitCode, UsageError
from snapshots.help import examples
from snapshots.invocation import Invocation, command_options
from snapshots.times import parse_time


@click.command(
    epilog=examples(
        "retry november --wait",
        "retry november --recipient alder --recipient birch",
        "retry november --deadline 2h --download files",
    ),
)
@click.argument("burst_id", metavar="BURST")
@click.option(
    "--recipient",
    "recipients",
    metavar="ID",
    multiple=True,
    help="Only this recipient, also if it was cancelled; may be repeated.",
)
@click.option(
    "--include-completed", is_flag=True, help="Also those of --recipient that have their files."
)
@click.option(
    "--deadline", metavar="TIME", help="Of what runs again: 2h, or a time; one that passed is gone."
)
@wait_options
@command_options
def retry(
    invocation: Invocation,
    burst_id: str,
    recipients: Sequence[str],
    include_completed: bool,
    deadline: str | None,
    wait: bool,
    timeout: str | None,
    download: Path | None,
) -> int:
    """Run the failed exports of a burst again, once it has ended.

    Under the same ids and names; recipients that have their files are left alone.
    """
    seconds = timeout_seconds(timeout)
    if include_completed and not recipients:
        raise UsageError("--include-completed needs --recipient: what completed is named")
    revision = invocation.api.get("bursts", burst_id)["Revision"] + 1
    body: dict[str, Any] = {"Revision": revision}
    if recipients:
        body["RecipientIds"] = [*recipients]
    if include_completed:
        body["IncludeCompleted"] = True
    if deadline:
        body["Deadline"] = parse_time(deadline, now=invocation.now, direction=1)
    answer = invocation.api.post("bursts", burst_id, "retry", body=body)
    if wait or download:
        return finish_burst(invocation, burst_id, wait=wait, timeout=seconds, download=download)
    if invocation.as_json:
        invocation.print_json(answer)
    else:
        look = invocation.command_line("status", burst_id, "--wait")
        line = f"{burst_id} {answer['Status']}, revision {answer['Revision']}: {look}"
        invocation.out.print(line, markup=False, soft_wrap=True)
    return ExitCode.OK

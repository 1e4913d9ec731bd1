"""`snapshots release`: a burst that is held goes on."""

from __future__ import annotations

from pathlib import Path

import click

from snapshots.commands.status import finish_burst
from snapshots.commands.waiting import timeout_seconds, wait_options
from snapshots.errors import ExitCode
from snapshots.help import examples
from snapshots.invocation import Invocation, command_options
from snapshots.tables import show_status


@click.command(
    epilog=examples(
        "release monthly-20261201T060000Z",
        "release monthly-20261201T060000Z --wait",
    ),
)
@click.argument("burst_id", metavar="BURST")
@wait_options
@command_options
def release(
    invocation: Invocation, burst_id: str, wait: bool, timeout: str | None, download: Path | None
) -> int:
    """Let a held burst go on; `snapshots status` says why it is held.

    To stop it instead: `snapshots cancel`. Exit code 5 if it is not held.
    """
    seconds = timeout_seconds(timeout)
    answer = invocation.api.post("bursts", burst_id, "release", body={})
    if wait or download:
        return finish_burst(invocation, burst_id, wait=wait, timeout=seconds, download=download)
    if invocation.as_json:
        invocation.print_json(answer)
    else:
        invocation.out.print(f"{burst_id} {show_status(answer)}", soft_wrap=True)
    return ExitCode.OK

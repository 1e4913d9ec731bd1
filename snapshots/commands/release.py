"""`snapshots release`: what is held, or waits for data, goes on."""

from __future__ import annotations

from pathlib import Path

import click

from snapshots.commands.status import find_resource, finish_burst
from snapshots.commands.waiting import finish_exports, timeout_seconds, wait_options
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
@click.argument("ident", metavar="ID")
@wait_options
@command_options
def release(
    invocation: Invocation, ident: str, wait: bool, timeout: str | None, download: Path | None
) -> int:
    """Let an export or a burst that is held, or waits for data, go on.

    `snapshots status` says why it is held. To stop it instead: `snapshots cancel`. Exit code 5 if
    it is not held.
    """
    seconds = timeout_seconds(timeout)
    kind, _ = find_resource(invocation.api, ident)
    answer = invocation.api.post(kind, ident, "release", body={})
    if (wait or download) and kind == "bursts":
        return finish_burst(invocation, ident, wait=wait, timeout=seconds, download=download)
    if wait or download:
        return finish_exports(invocation, [ident], timeout=seconds, download=download)
    if invocation.as_json:
        invocation.print_json(answer)
    else:
        invocation.out.print(f"{ident} {show_status(answer)}", soft_wrap=True)
    return ExitCode.OK

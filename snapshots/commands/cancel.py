"""`snapshots cancel`: what waits is cancelled; what runs ends without delivering its files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import click

from snapshots.api import Api
from snapshots.errors import CliError, ExitCode
from snapshots.help import examples
from snapshots.invocation import Invocation, command_options
from snapshots.several import do_each
from snapshots.tables import show_status


@click.command(
    epilog=examples(
        "cancel daily-7",
        "cancel daily-7 daily-8 november",
    ),
)
@click.argument("idents", metavar="ID...", nargs=-1, required=True)
@command_options
def cancel(invocation: Invocation, idents: Sequence[str]) -> int:
    """Cancel exports or bursts by id; exit code 5 if one has already ended."""
    cancelled, code = do_each(invocation, idents, partial(_cancel, invocation.api))
    if invocation.as_json:
        invocation.print_json({"Cancelled": cancelled})
    else:
        for each in cancelled:
            named = each.get("ExportId") or each.get("BurstId")
            state = show_status(each)
            state += ", ends without files" if each.get("Status") == "RUNNING" else ""
            invocation.out.print(f"{named} {state}", soft_wrap=True)
    return code


def _cancel(api: Api, ident: str) -> dict[str, Any]:
    for kind, name in (("exports", "ExportId"), ("bursts", "BurstId")):
        try:
            return {name: ident, **api.delete(kind, ident)}
        except CliError as error:
            if error.exit_code is not ExitCode.NOT_FOUND:
                raise
    raise CliError(f"no export and no burst is called {ident}", ExitCode.NOT_FOUND)

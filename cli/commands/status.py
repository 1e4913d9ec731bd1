"""`snapshots status`: one export or burst."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cli.api import Api
from cli.commands.waiting import finish_exports, judge, timeout_seconds, wait_options
from cli.errors import CliError, ExitCode
from cli.following import ENDED, follow_burst
from cli.invocation import Invocation, command_options
from cli.tables import burst_details, export_details


@click.command()
@click.argument("ident", metavar="ID")
@wait_options
@command_options
def status(
    invocation: Invocation, ident: str, wait: bool, timeout: str | None, download: Path | None
) -> int:
    """Show an export or a burst by its id; exit code 1 if it did not complete."""
    seconds = timeout_seconds(timeout)
    kind, found = find_resource(invocation.api, ident)
    if kind == "bursts":
        return finish_burst(invocation, ident, wait=wait, timeout=seconds, download=download)
    if download or (wait and found["Status"] not in ENDED):
        return finish_exports(invocation, [ident], timeout=seconds, download=download)
    if invocation.as_json:
        invocation.print_json(found)
    else:
        invocation.out.print(export_details(found, invocation.now))
    return judge([found])


def find_resource(api: Api, ident: str) -> tuple[str, dict[str, Any]]:
    """`exports` or `bursts`, and what is there under the id. Raises CliError NOT_FOUND."""
    for kind in ("exports", "bursts"):
        try:
            return kind, api.get(kind, ident)
        except CliError as error:
            if error.exit_code is not ExitCode.NOT_FOUND:
                raise
    raise CliError(f"no export and no burst is called {ident}", ExitCode.NOT_FOUND)


def finish_burst(
    invocation: Invocation,
    burst_id: str,
    *,
    wait: bool,
    timeout: float | None,
    download: Path | None,
) -> int:
    """Show a burst, after its end if asked to wait, and bring its files if asked to."""
    api = invocation.api
    if wait or download:
        burst = follow_burst(api, burst_id, console=invocation.err, timeout=timeout)
    else:
        burst = api.get("bursts", burst_id)
    if invocation.as_json:
        invocation.print_json(burst)
    else:
        invocation.out.print(burst_details(burst, invocation.now))
    if download:
        from cli.downloads import download_exports

        pages = api.pages("exports", query={"BurstId": burst_id, "Status": "COMPLETED"})
        ids = [export["ExportId"] for page in pages for export in page["Exports"]]
        paths = sum(
            len(download_exports({each: api.get("exports", each)}, download)) for each in ids
        )
        invocation.err.print(f"{paths} files in {download}", markup=False, soft_wrap=True)
    bad = sum(burst["Counts"].get(name, 0) for name in ("Failed", "Cancelled", "Refused"))
    return ExitCode.EXPORT_FAILED if bad or burst.get("Error") else ExitCode.OK

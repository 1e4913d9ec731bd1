"""`snapshots status`: one export or burst."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from snapshots.api import Api
from snapshots.commands.waiting import (
    count_files,
    finish_exports,
    judge,
    judge_burst,
    timeout_seconds,
    wait_options,
)
from snapshots.downloads import download_files, download_records
from snapshots.errors import CliError, ExitCode
from snapshots.following import follow_burst, has_ended, threads
from snapshots.help import examples
from snapshots.invocation import Invocation, command_options
from snapshots.row_level_security import print_warnings
from snapshots.tables import print_burst, print_export

_LIST_TRIES = 10


@click.command(
    epilog=examples(
        "status daily-7",
        "status november --wait --download files",
    ),
)
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
    if download or (wait and not has_ended(found)):
        return finish_exports(invocation, [ident], timeout=seconds, download=download)
    if invocation.as_json:
        invocation.print_json(found)
    else:
        print_export(invocation.out, found, invocation.now)
        print_warnings(invocation.err, [found])
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
        burst = follow_burst(invocation, burst_id, timeout=timeout)
    else:
        burst = api.get("bursts", burst_id)
    if invocation.as_json:
        invocation.print_json(burst)
    else:
        print_burst(invocation.out, burst, invocation.now)
        print_warnings(invocation.err, [burst])
    if download:
        count = _bring_files(api, burst, download) + len(download_records(burst, download))
        invocation.err.print(count_files(count, download), markup=False, soft_wrap=True)
    return judge_burst(burst)


def _bring_files(api: Api, burst: dict[str, Any], folder: Path) -> int:
    """How many files of a burst were brought. Lists are a second behind, hence the tries."""
    ids: list[str] = []
    for _ in range(_LIST_TRIES):
        pages = api.pages("exports", query={"BurstId": burst["BurstId"], "Status": "COMPLETED"})
        ids = [export["ExportId"] for page in pages for export in page["Exports"]]
        if len(ids) >= burst["Counts"]["Completed"]:
            break
        time.sleep(1)
    with threads() as pool:
        brought = pool.map(lambda each: download_files(api.get("exports", each), folder), ids)
        return sum(len(paths) for paths in brought)

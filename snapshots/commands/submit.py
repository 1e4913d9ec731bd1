"""`snapshots submit`: hand in export requests, and wait for their files if asked to."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.progress import track

from snapshots.commands.waiting import finish_exports, timeout_seconds, wait_options
from snapshots.errors import CliError, ExitCode, UsageError
from snapshots.following import StillOpenError, threads
from snapshots.help import examples
from snapshots.inputs import FILE, Placed, read_objects
from snapshots.invocation import Invocation, command_options
from snapshots.row_level_security import allowance_options, allowances, print_warnings
from snapshots.tables import print_exports

_WORTH_A_BAR = 20
_OF_RECIPIENTS = {"RecipientId", "RowLevelPermissionTags"}


@click.command(
    epilog=examples(
        "submit examples/pdf-of-one-sheet.json --wait --download files",
        "submit requests.jsonl --id-prefix daily",
        "submit - --json",
    ),
)
@click.argument("source", metavar="FILE|-", type=FILE)
@click.option(
    "--id-prefix",
    metavar="TEXT",
    help="Ids for requests without one: TEXT-1, TEXT-2, … by place, so that a repeated call of "
    "the same file submits nothing twice.",
)
@click.option("--zip", "as_zip", is_flag=True, help="All files of a request also as one zip.")
@allowance_options
@wait_options
@command_options
def submit(
    invocation: Invocation,
    source: str,
    id_prefix: str | None,
    as_zip: bool,
    allow_match_all: bool,
    allow_several_values: bool,
    wait: bool,
    timeout: str | None,
    download: Path | None,
) -> int:
    """Submit export requests: one JSON object, an array of them, or JSON Lines; - is stdin.

    Every request that can be accepted is, whatever is wrong with its neighbours.
    """
    seconds = timeout_seconds(timeout)
    asked = allowances(match_all=allow_match_all, several_values=allow_several_values)
    if as_zip:
        asked["Zip"] = True
    requests = [
        Placed(each.place, _identified(each.value, number, id_prefix) | asked)
        for number, each in enumerate(_read_requests(source), start=1)
    ]
    accepted, refused = _submit_all(invocation, requests)
    for place, error in refused:
        for line in error.lines():
            invocation.err.print(
                f"[red]error:[/red] {place + ': ' if place else ''}", end="", soft_wrap=True
            )
            invocation.err.print(line, markup=False, soft_wrap=True)
    print_warnings(invocation.err, accepted)
    code = max((error.exit_code for _, error in refused), default=ExitCode.OK)
    extra = {"Refused": [{"Place": place, **error.as_json()} for place, error in refused]}
    if wait or download:
        ids = [each["ExportId"] for each in accepted]
        ended = finish_exports(invocation, ids, timeout=seconds, download=download, extra=extra)
        return code or ended
    if invocation.as_json:
        invocation.print_json({"Exports": accepted, **extra})
    elif accepted:
        print_exports(invocation, accepted, invocation.now)
    return code


def _read_requests(source: str) -> list[Placed]:
    """The objects of a file. Raises UsageError for a burst or recipients, which `burst` takes."""
    found = read_objects(source)
    for each in found:
        if "Template" in each.value and "DashboardId" not in each.value:
            raise UsageError(f"{source} holds a burst: snapshots burst {source}")
        if _OF_RECIPIENTS & each.value.keys() and "DashboardId" not in each.value:
            raise UsageError(
                f"{source} is a manifest of recipients, and holds no requests: "
                f"snapshots burst --template REQUEST.json --manifest {source}"
            )
    return found


def _submit_all(
    invocation: Invocation, requests: Sequence[Placed]
) -> tuple[list[dict[str, Any]], list[tuple[str, CliError]]]:
    """What was accepted and what was refused, in the order of the file.

    Ends at the first request for which the API cannot be reached, as the rest would meet the same,
    and at Ctrl-C (StillOpenError).
    """
    answered: list[str] = []

    def post(request: Placed) -> dict[str, Any] | CliError:
        try:
            answer = invocation.api.post("exports", body=request.value)
        except CliError as error:
            if error.exit_code is ExitCode.UNREACHABLE:
                raise
            return error
        answered.append(answer["ExportId"])
        return {"DashboardId": request.value.get("DashboardId"), **answer}

    accepted: list[dict[str, Any]] = []
    refused: list[tuple[str, CliError]] = []
    console = invocation.err
    try:
        with threads() as pool:
            answers = track(
                pool.map(post, requests),
                total=len(requests),
                description="submitting",
                console=console,
                transient=True,
                disable=len(requests) < _WORTH_A_BAR or not console.is_terminal,
            )
            for request, answer in zip(requests, answers, strict=True):
                if isinstance(answer, CliError):
                    refused.append((request.place, answer))
                else:
                    accepted.append(answer)
    except KeyboardInterrupt:
        reason = f"interrupted while submitting: {len(answered)} of {len(requests)} accepted"
        code = ExitCode.INTERRUPTED
        raise StillOpenError(invocation, reason, code, answered) from None
    return accepted, refused


def _identified(request: dict[str, Any], number: int, prefix: str | None) -> dict[str, Any]:
    """A request with an id, without which a call repeated after a lost answer would be a second."""
    if request.get("ExportId") or request.get("SnapshotJobId"):
        return request
    return {"ExportId": f"{prefix}-{number}" if prefix else str(uuid.uuid4()), **request}

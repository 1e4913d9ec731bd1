"""`snapshots links`: links in mails, taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any

import click

from snapshots.api import PAGE, THREADS, Api
from snapshots.errors import CliError, ExitCode
from snapshots.help import Commands, examples
from snapshots.invocation import Invocation, command_options, common_options
from snapshots.several import do_each

_NO_LINKS = "NO_LINKS"


@click.group(cls=Commands, epilog=examples("links revoke monday-3", "links revoke --help"))
@common_options
def links() -> None:
    """Take back links that mails brought."""


@links.command(epilog=examples("links revoke monday-3", "links revoke november"))
@click.argument("idents", metavar="ID...", nargs=-1, required=True)
@command_options
def revoke(invocation: Invocation, idents: Sequence[str]) -> int:
    """Have the links in mails of exports, or of all exports of bursts, open nothing any more.

    A mail that was not sent yet and would have links is not sent. The same again changes nothing.
    Exit code 5 if there are no links.
    """
    found, code = do_each(invocation, idents, partial(_revoke, invocation.api))
    revoked = [*chain.from_iterable(found)]
    if invocation.as_json:
        invocation.print_json({"Revoked": revoked})
    else:
        for each in revoked:
            mails = sum(1 for mail in each["Deliveries"] if mail["Links"])
            noun = "mail" if mails == 1 else "mails"
            invocation.out.print(
                f"{each['ExportId']} links of {mails} {noun} revoked", soft_wrap=True
            )
    return code


def _revoke(api: Api, ident: str) -> list[dict[str, Any]]:
    """Those of an export; or, if it is a burst's id, those of all its exports that have some."""
    try:
        return [api.delete("exports", ident, "links")]
    except CliError as error:
        if error.exit_code is not ExitCode.NOT_FOUND:
            raise
    try:
        api.get("bursts", ident)
    except CliError as error:
        if error.exit_code is ExitCode.NOT_FOUND:
            text = f"no export and no burst is called {ident}"
            raise CliError(text, ExitCode.NOT_FOUND) from None
        raise
    with ThreadPoolExecutor(THREADS) as pool:
        answers = pool.map(partial(_of_an_export, api), _exports_of(api, ident))
        found = [each for each in answers if each is not None]
    if not found:
        text = f"no mail of the burst {ident} has links"
        raise CliError(text, ExitCode.CONFLICT, code=_NO_LINKS)
    return found


def _exports_of(api: Api, burst_id: str) -> Iterator[str]:
    for page in api.pages("exports", query={"BurstId": burst_id, "Limit": PAGE}):
        yield from (each["ExportId"] for each in page["Exports"])


def _of_an_export(api: Api, export_id: str) -> dict[str, Any] | None:
    """None for one that has none, or that is gone since it was listed."""
    try:
        return api.delete("exports", export_id, "links")
    except CliError as error:
        if error.exit_code in (ExitCode.CONFLICT, ExitCode.NOT_FOUND):
            return None
        raise

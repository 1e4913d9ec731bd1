"""`snapshots resend`: mails of an export that failed, bounced or are held are sent again."""

from __future__ import annotations

import click

from snapshots.errors import ExitCode
from snapshots.help import examples
from snapshots.invocation import Invocation, command_options
from snapshots.layout import print_details
from snapshots.tables import describe_mails


@click.command(epilog=examples("resend monday-3"))
@click.argument("export_id", metavar="EXPORT_ID")
@command_options
def resend(invocation: Invocation, export_id: str) -> int:
    """Send the mails of an export again that failed, bounced or are held.

    They go to the same addresses, with the same files. `snapshots status` shows what became of
    them. One that is held since it stayed in doubt may have been sent. Exit code 5 if there is
    none.
    """
    answer = invocation.api.post("exports", export_id, "resend", body={})
    if invocation.as_json:
        invocation.print_json(answer)
    else:
        print_details(invocation.out, describe_mails(answer, invocation.now))
    return ExitCode.OK

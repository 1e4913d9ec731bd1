"""`snapshots`: the group of all commands, and the one place where errors become exit codes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

import click

from snapshots.commands.burst import burst
from snapshots.commands.cancel import cancel
from snapshots.commands.capacity import capacity
from snapshots.commands.doctor import doctor
from snapshots.commands.init import init
from snapshots.commands.links import links
from snapshots.commands.listing import list_exports
from snapshots.commands.open import open_page
from snapshots.commands.plan import plan
from snapshots.commands.redrive import redrive
from snapshots.commands.release import release
from snapshots.commands.resend import resend
from snapshots.commands.retry import retry
from snapshots.commands.schedule import schedule
from snapshots.commands.status import status
from snapshots.commands.submit import submit
from snapshots.commands.watch import watch
from snapshots.errors import CliError, ExitCode
from snapshots.help import PROGRAM, SETTINGS, Commands, examples
from snapshots.invocation import common_options


@click.group(
    cls=Commands,
    context_settings=SETTINGS,
    epilog=examples(
        "--local submit examples/pdf-of-one-sheet.json --wait",
        "submit --help",
    ),
)
@click.version_option(package_name="quicksight-snapshot-export")
@common_options
def snapshots() -> None:
    """Export Amazon QuickSight dashboards to files, by the thousand.

    The options below, but for --version, may stand before a command or after it.

    Exit codes: 0 ok, 1 an export did not complete or a check failed, 2 wrong usage or an invalid
    request, 3 not found, 4 cannot reach or not permitted, 5 conflict, 6 time is up, 130
    interrupted.
    """


for command in (
    init, submit, burst, status, list_exports, watch, open_page, plan, cancel, release, retry,
    resend, links, schedule, capacity, redrive, doctor,
):  # fmt: skip
    snapshots.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; every error is one line on standard error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = snapshots.main(given, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ExitCode.USAGE
    except click.ClickException as error:
        help_of = (
            error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
        )
        hint = f" (see {help_of} --help)" if help_of else ""
        return _report(CliError(error.format_message() + hint, ExitCode.USAGE, code="USAGE"), given)
    except CliError as error:
        return _report(error, given)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; what was accepted goes on", err=True)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK


def _report(error: CliError, arguments: Sequence[str]) -> int:
    if "--json" in arguments or os.environ.get("SNAPSHOTS_JSON", "0").lower() in ("1", "true"):
        click.echo(json.dumps(error.as_json(), ensure_ascii=False), err=True)
    else:
        kind = "" if error.exit_code is ExitCode.INTERRUPTED else "error: "
        for line in error.lines():
            click.echo(f"{kind}{line}", err=True)
        for hint in error.hints:
            click.echo(hint, err=True)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())

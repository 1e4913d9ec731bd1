"""`snapshots open`: the live page, served on this machine to its own browser."""

from __future__ import annotations

import os
import sys
import webbrowser

import click

from snapshots.errors import CliError, ExitCode, UsageError
from snapshots.help import examples
from snapshots.invocation import Invocation, command_options, target_option


@click.command("open", epilog=examples("open", "open --port 8800 --no-browser"))
@click.option(
    "--port",
    type=click.IntRange(1024, 65535),
    help="Listen on this port; on a free one unless given.",
)
@click.option("--browser/--no-browser", default=True, help="Whether to open a browser.")
@target_option
@command_options
def open_page(invocation: Invocation, port: int | None, browser: bool, target: str | None) -> int:
    """Open a live page of slots, backlog, bursts, failures and schedules; Ctrl-C ends it.

    It is served to this machine only, reads the API with your credentials, and asks before it
    changes anything.
    """
    from snapshots.open.server import PageServer  # only here: other commands start without it

    api = invocation.api
    try:
        api.get("slots", query={"Target": target, "Limit": 1})
    except CliError as error:
        if error.exit_code is not ExitCode.NOT_FOUND:
            raise
        text = "the deployment is older than this command: deploy its present version"
        raise CliError(text, ExitCode.NOT_FOUND) from None
    title = f"{invocation.stack_name} {invocation.account.region}".strip()

    def warn(text: str) -> None:
        invocation.err.print(f"warning: {text}", markup=False, soft_wrap=True)

    try:
        server = PageServer(api, title=title, target=target, port=port or 0, warn=warn)
    except OSError as error:
        raise UsageError(f"cannot listen on port {port}: {error.strerror}") from None
    with server:
        if invocation.as_json:
            invocation.print_json({"Url": server.address})
        else:
            click.echo(server.address)
        sys.stdout.flush()
        invocation.err.print("the address opens the page once, on this machine; Ctrl-C ends it")
        if browser and _has_screen():
            webbrowser.open(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return ExitCode.OK
    return ExitCode.OK


def _has_screen() -> bool:
    """Whether a browser would have a window; else one for the terminal might be started in it."""
    if not sys.platform.startswith("linux") or os.environ.get("BROWSER"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

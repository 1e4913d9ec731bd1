"""Help texts: short descriptions in full, and examples below the options."""

from __future__ import annotations

import click

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
PROGRAM = "snapshots"
_WHOLE = 1000


class Commands(click.Group):
    """A group whose help shows the first sentence of each command in full, not click's 45
    characters of it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a row for each command."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, self.commands[name].get_short_help_str(limit=_WHOLE))
                    for name in self.list_commands(ctx)
                ]
            )


def examples(*commands: str) -> str:
    """The end of a command's help: command lines as they are typed, without `snapshots`."""
    return "\n".join(("\b", "Examples:", *(f"  {PROGRAM} {command}" for command in commands)))

"""What every command has: the options that find the stack, and where its output goes.

These options are understood before the command and after it, where the last one counts.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import click
from click.core import ParameterSource
from rich.console import Console

from snapshots.api import Api
from snapshots.connection import Account, api_url_of, open_account, read_outputs
from snapshots.help import PROGRAM

TOKEN_VARIABLE = "SNAPSHOTS_TOKEN"
_PIPE_COLUMNS = 1000
P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])
_VALUES = "snapshots.values"
_TYPED = "snapshots.typed"
"""Of click's Context.meta, which a group shares with its commands: the values of the common
options, and those of them that find the stack and were typed."""


def _stdout() -> Console:
    """Standard output; in a pipe or a file each row of a table is one line."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPE_COLUMNS
    return Console(highlight=False, width=width)


def _stderr() -> Console:
    return Console(stderr=True, highlight=False)


@dataclass
class Invocation:
    """One run of a command. Results go to `out`, everything said on the way to `err`."""

    stack_name: str
    region: str | None
    profile: str | None
    local: bool
    api_url: str | None
    as_json: bool
    typed: Mapping[str, str | bool] = field(default_factory=dict)
    out: Console = field(default_factory=_stdout)
    err: Console = field(default_factory=_stderr)

    @cached_property
    def account(self) -> Account:
        """The account in which the stack lives."""
        signs = not (self.api_url and os.environ.get(TOKEN_VARIABLE))
        return open_account(region=self.region, profile=self.profile, local=self.local, signs=signs)

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return read_outputs(self.account, self.stack_name)

    @cached_property
    def api(self) -> Api:
        """The stack's API; with --api-url no stack is looked up."""
        url = self.api_url.rstrip("/") if self.api_url else api_url_of(self.outputs, self.account)
        return Api(url, self.account, token=os.environ.get(TOKEN_VARIABLE))

    @property
    def now(self) -> datetime:
        """The time, aware."""
        return datetime.now(UTC)

    def command_line(self, *words: str) -> str:
        """`snapshots WORDS` for the same stack, to be pasted into a shell."""
        found: list[str] = []
        for option, value in self.typed.items():
            found += [option] if value is True else [option, str(value)]
        return shlex.join((PROGRAM, *found, *words))

    def print_json(self, value: Any) -> None:
        """One JSON document on standard output: indented for eyes, plain text for pipes."""
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))


target_option = click.option(
    "--target", metavar="NAME", help="This QuickSight account and region of the deployment's."
)


def common_options(function: F) -> F:
    """Give a group or a command the options that find the stack, and --json.

    Their values are in `Context.meta`; the function does not receive them.
    """
    for option in (
        click.option(
            "--json",
            "as_json",
            envvar="SNAPSHOTS_JSON",
            is_flag=True,
            help="Print JSON for scripts, in the API's shapes.",
            **_KEPT,
        ),
        click.option(
            "--api-url",
            envvar="SNAPSHOTS_API_URL",
            help="Address of the API; spares the look-up.",
            **_KEPT,
        ),
        click.option(
            "--local",
            envvar="SNAPSHOTS_LOCAL",
            is_flag=True,
            help="Use the embedded account that `make up` keeps running.",
            **_KEPT,
        ),
        click.option("--profile", envvar="SNAPSHOTS_PROFILE", help="AWS profile to use.", **_KEPT),
        click.option(
            "--region", envvar="SNAPSHOTS_REGION", help="AWS region of the stack.", **_KEPT
        ),
        click.option(
            "--stack-name",
            envvar="SNAPSHOTS_STACK_NAME",
            default="SnapshotExport",
            show_default=True,
            help="Name of the deployed stack.",
            **_KEPT,
        ),
    ):
        function = option(function)
    return function


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep an option's value, unless it is only a default and the group was given one."""
    name = str(parameter.name)
    values = context.meta.setdefault(_VALUES, {})
    if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
        values.setdefault(name, value)
        return
    values[name] = value
    if name != "as_json":
        context.meta.setdefault(_TYPED, {})[parameter.opts[0]] = value


_KEPT: dict[str, Any] = {"callback": _keep, "expose_value": False}


def command_options(
    function: Callable[Concatenate[Invocation, P], int],
) -> Callable[..., int]:
    """Give a command the common options; it receives an Invocation and returns its exit code."""

    @common_options
    @wraps(function)
    def run(*arguments: P.args, **options: P.kwargs) -> int:
        meta = click.get_current_context().meta
        invocation = Invocation(**meta[_VALUES], typed=meta.get(_TYPED, {}))
        return function(invocation, *arguments, **options)

    return run

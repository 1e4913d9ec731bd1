"""What commands share that submit requests: the allowances of tags, and the API's warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import click
from rich.console import Console

F = TypeVar("F", bound=Callable[..., Any])


def allowance_options(function: F) -> F:
    """Add --allow-match-all and --allow-several-values."""
    for option in (
        click.option(
            "--allow-several-values",
            is_flag=True,
            help="Tags may hold the data set's delimiter: several values, their customers' rows.",
        ),
        click.option(
            "--allow-match-all",
            is_flag=True,
            help="Tags may have the data set's match-all value, which shows every row.",
        ),
    ):
        function = option(function)
    return function


def allowances(*, match_all: bool, several_values: bool) -> dict[str, bool]:
    """The members of a request that the options give."""
    chosen = {"AllowMatchAll": match_all, "AllowSeveralValues": several_values}
    return {name: True for name, given in chosen.items() if given}


def print_warnings(console: Console, answers: Iterable[Mapping[str, Any]]) -> None:
    """Each warning of some answers once, a line each; older deployments give none."""
    found = (each["Message"] for answer in answers for each in answer.get("Warnings") or ())
    for message in dict.fromkeys(found):
        console.print("[yellow]warning:[/yellow] ", end="", soft_wrap=True)
        console.print(message, markup=False, soft_wrap=True)

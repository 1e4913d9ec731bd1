"""Commands that do one thing to each of several ids: one that fails does not keep the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from snapshots.errors import CliError, ExitCode
from snapshots.invocation import Invocation

T = TypeVar("T")


def do_each(
    invocation: Invocation, idents: Sequence[str], act: Callable[[str], T]
) -> tuple[list[T], ExitCode]:
    """What each of those that went well answered, and the exit code; what failed is printed.

    Raises CliError where nothing is reachable, or where there is one id only.
    """
    done, code = list[T](), ExitCode.OK
    for ident in idents:
        try:
            done.append(act(ident))
        except CliError as error:
            if error.exit_code is ExitCode.UNREACHABLE or len(idents) == 1:
                raise
            code = max(code, error.exit_code)
            invocation.err.print(f"error: {error.lines()[0]}", markup=False, soft_wrap=True)
    return done, code

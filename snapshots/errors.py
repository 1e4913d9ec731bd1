"""How commands end: exit codes, and errors, one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """Exit codes of every command; docs/cli.md has the table."""

    OK = 0
    EXPORT_FAILED = 1  # of the doctor: a check
    USAGE = 2
    NOT_FOUND = 3
    UNREACHABLE = 4
    CONFLICT = 5
    TIME_IS_UP = 6
    INTERRUPTED = 130


class CliError(Exception):
    """A command cannot go on. `problems` are the API's: Field, Place and Rule of each fault.

    `hints` are further lines for a person, such as commands to paste.
    """

    def __init__(
        self,
        message: str,
        exit_code: ExitCode,
        *,
        code: str | None = None,
        problems: Sequence[Mapping[str, Any]] = (),
        hints: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.code = code or exit_code.name
        self.problems = tuple(problems)
        self.hints = tuple(hints)

    def lines(self) -> list[str]:
        """What a person reads: one line for each problem, with its place, rule and field."""
        if not self.problems:
            return [" ".join(self.message.split())]
        return [describe_problem(problem) for problem in self.problems]

    def as_json(self) -> dict[str, Any]:
        """The API's own shape of an error."""
        message = "; ".join((self.message, *self.hints))
        return {"Code": self.code, "Message": message, "Problems": list(self.problems)}


class UsageError(CliError):
    """What the user gave cannot be used."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitCode.USAGE, code="USAGE")


class UnreachableError(CliError):
    """AWS or the API cannot be reached, or does not let the user in."""

    def __init__(self, message: str, *, code: str = "UNREACHABLE") -> None:
        super().__init__(message, ExitCode.UNREACHABLE, code=code)


def describe_problem(problem: Mapping[str, Any]) -> str:
    """`<place>: <rule> (field <field>)`; the field only where the place does not end with it."""
    place = str(problem.get("Place") or "").strip()
    field = str(problem.get("Field") or "").strip()
    rule = " ".join(str(problem.get("Rule") or "is not valid").split())
    shown = f"{place or field or 'request'}: {rule}"
    return f"{shown} (field {field})" if field and place and not place.endswith(field) else shown

"""Mutants that are proved to change nothing, each with its proof beside its line's text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

from tests.mutants.operators import Mutant, mutants_of
from tests.mutants.table import PACKAGE

FILE = Path(__file__).with_name("equivalent.json")
ROOT = Path(__file__).parents[2]


class Proof(TypedDict):
    """One mutant: its module, the text of its line, its operator, what it writes, and why."""

    module: str
    line: str
    operator: str
    text: str
    proof: str


def proofs() -> list[Proof]:
    """All proofs."""
    found: list[Proof] = json.loads(FILE.read_text())
    return found


def is_equivalent(module: str, line: str, mutant: Mutant) -> bool:
    """Whether a mutant is proved to change nothing."""
    return any(
        (each["module"], each["line"], each["operator"], each["text"])
        == (module, line.strip(), mutant.operator, mutant.text)
        for each in proofs()
    )


def stale() -> list[str]:
    """Proofs whose line or mutant is not there any more."""
    found = []
    for each in proofs():
        source = (ROOT / PACKAGE / each["module"]).read_text()
        lines = source.splitlines()
        if not any(
            is_equivalent(each["module"], lines[mutant.start[0] - 1], mutant)
            and (each["operator"], each["text"]) == (mutant.operator, mutant.text)
            and each["line"] == lines[mutant.start[0] - 1].strip()
            for mutant in mutants_of(source)
        ):
            found.append(f"{each['module']}: {each['line']}")
    return found

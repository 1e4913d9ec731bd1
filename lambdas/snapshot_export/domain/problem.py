"""What is wrong with a request: places and rules, never values."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_PROBLEMS = 20
"""Of one request or line, how many are reported; the others are counted where there is a count."""
MAX_PLACE_CHARACTERS = 200


@dataclass(frozen=True)
class Problem:
    """One broken rule: the place in the body (`a.b[0].c`; "" is the body itself) and the rule."""

    place: str
    rule: str

    def under(self, member: str) -> Problem:
        """The same problem, placed in the object that has the body as its `member`."""
        return Problem(f"{member}.{self.place}" if self.place else member, self.rule)

    @property
    def field(self) -> str:
        """The member's own name."""
        return re.sub(r"\[\d+\]$", "", self.place.rsplit(".", 1)[-1]) or "body"


class InvalidRequestError(ValueError):
    """A request that can never work. `problems` names each field, rule and place."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(f"{p.place or 'body'}: {p.rule}" for p in problems))
        self.problems = problems

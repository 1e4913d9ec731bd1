"""Rules of single parameters: what each must be, in words and as a check."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

ACCOUNT_ID = re.compile(r"\d{12}")
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class ParameterError(Exception):
    """The deployment's parameters cannot be used; `problems` holds one line for each fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Rule:
    """A parameter's attribute, its rule in words, and the check of a value against that rule."""

    attribute: str
    text: str
    holds: Callable[[Any], bool]


def integer(low: int, high: int) -> tuple[str, Callable[[Any], bool]]:
    """A whole number within bounds."""

    def holds(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return f"must be an integer from {low} to {high}", holds


def number(high: int) -> tuple[str, Callable[[Any], bool]]:
    """A number above 0."""

    def holds(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= high

    return f"must be a number above 0 and at most {high}", holds


def null_or_text(pattern: re.Pattern[str], what: str) -> tuple[str, Callable[[Any], bool]]:
    """A text of a pattern, or null."""

    def holds(value: Any) -> bool:
        return value is None or (isinstance(value, str) and bool(pattern.fullmatch(value)))

    return f"must be null or {what}", holds


def read_members(
    place: str, values: Mapping[str, Any], rules: Mapping[str, Rule], problems: list[str]
) -> dict[str, Any]:
    """The values that keep their rules, by attribute; a list becomes a tuple."""
    chosen: dict[str, Any] = {}
    for name, value in values.items():
        rule = rules.get(name)
        if rule is None:
            problems.append(
                f"{place}.{name} is not a parameter; known are {', '.join(rules)}, "
                f"got {show(value)}"
            )
        elif not rule.holds(value):
            problems.append(f"{place}.{name} {rule.text}, got {show(value)}")
        else:
            chosen[rule.attribute] = tuple(value) if isinstance(value, list) else value
    return chosen


def check_reserve(place: str, limit: int, reserved: int, problems: list[str]) -> None:
    """What is reserved for people leaves a slot to exports."""
    if reserved >= limit:
        problems.append(
            f"{place}.reservedSlots must be less than snapshotJobLimit, {limit}, got {reserved}"
        )


def show(value: Any) -> str:
    """A value as its JSON."""
    return json.dumps(value)

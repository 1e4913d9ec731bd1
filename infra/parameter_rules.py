"""What single parameters may be: types whose fields say their rule in words, and how they are read.

A field's description is its rule as a problem shows it; pydantic holds values against its type.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic.alias_generators import to_camel


def text(pattern: str) -> StringConstraints:
    """A text that is all of a pattern."""
    return StringConstraints(pattern=rf"\A(?:{pattern})\Z")


def integer(low: int, high: int) -> Any:
    """A whole number within bounds, and that as its rule."""
    return Field(ge=low, le=high, description=f"must be an integer from {low} to {high}")


def number(high: int) -> Any:
    """A number above 0, and that as its rule."""
    return Field(gt=0, le=high, description=f"must be a number above 0 and at most {high}")


AccountId = Annotated[str, text(r"[0-9]{12}")]
Region = Annotated[str, text(r"[a-z]{2}(-[a-z]+)+-[0-9]")]
BucketName = Annotated[str, text(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")]
JobLimit = Annotated[int, integer(1, 1000)]
ReservedSlots = Annotated[int, integer(0, 999)]
CallsPerSecond = Annotated[float, number(10)]
IN_A_REGION = "must be null or the name of a region, such as us-east-1"
OF_AN_ACCOUNT = "must be null or a string of 12 digits"

_Value = TypeVar("_Value", bound=tuple[Hashable, ...])


def _check_different(values: _Value) -> _Value:
    if len(set(values)) < len(values):
        raise ValueError("repeated")
    return values


DIFFERENT = AfterValidator(_check_different)


class Parameters(BaseModel):
    """Members in camelCase, as cdk.json has them; in Python by their attributes."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        regex_engine="python-re",
    )


class ParameterError(Exception):
    """The deployment's parameters cannot be used; `problems` holds one line for each fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


_Model = TypeVar("_Model", bound=Parameters)


def read_parameters(
    kind: type[_Model], place: str, values: Mapping[str, Any], problems: list[str]
) -> _Model:
    """The values that keep their rules, and defaults in place of the others."""
    fields = {str(field.alias): field for field in kind.model_fields.values()}
    try:
        return kind.model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        wrong = dict.fromkeys(str(each["loc"][0]) for each in error.errors())
    for name in wrong:
        known = f"is not a parameter; known are {', '.join(fields)}"
        rule = fields[name].description if name in fields else known
        problems.append(f"{place}.{name} {rule}, got {show(values[name])}")
    right = {name: value for name, value in values.items() if name not in wrong}
    return kind.model_validate(right, by_alias=True, by_name=False)


def check_reserve(place: str, limit: int, reserved: int, problems: list[str]) -> None:
    """What is reserved for people leaves a slot to exports."""
    if reserved >= limit:
        problems.append(
            f"{place}.reservedSlots must be less than snapshotJobLimit, {limit}, got {reserved}"
        )


def show(value: Any) -> str:
    """A value as its JSON."""
    return json.dumps(value)

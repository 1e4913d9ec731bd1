"""Bodies by pydantic: a structure is checked over the whole, and what is wrong is said without the
values, since tags and parameters are the users' customers' secrets."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.domain.schedule_expression import is_zone

ONE_WORD, A_LIST = "one word", "a list"
"""Tags of the two kinds of value that a member can have; pydantic has them in the place of what is
wrong, where they are no member (`problems_of`)."""


def _kind_of(value: object) -> str:
    return A_LIST if isinstance(value, list) else ONE_WORD


WORD_OR_LIST = Discriminator(_kind_of)
"""What is wrong is then said by the rules of the kind that was given."""


class Shape(BaseModel):
    """A structure by AWS's names of its members: no others, no coercion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def checked(cls, data: Any) -> Self:
        """The structure that data holds. Raises InvalidRequestError with every problem found."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise InvalidRequestError(problems_of(error)) from None


def rule(text: str) -> PydanticCustomError:
    """A broken rule, without the value that broke it."""
    return PydanticCustomError("rule", text)


def _moment(value: object) -> object:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            moment.astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise rule("must be an ISO 8601 time with an offset, such as 2026-11-23T07:00:00+01:00")
    return moment


def _zone(value: str) -> str:
    if not is_zone(value):
        raise rule("must be a time zone of the IANA database, such as Europe/Berlin")
    return value


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""An ISO 8601 text with an offset, as a time."""
Zone = Annotated[str, Field(max_length=50), AfterValidator(_zone)]


def problems_of(error: ValidationError) -> tuple[Problem, ...]:
    """Pydantic's errors as places and rules, without the values."""
    problems = []
    for item in error.errors(include_input=False, include_url=False, include_context=True):
        place = ""
        for part in item["loc"]:
            if part in (ONE_WORD, A_LIST):
                continue
            place += f"[{part}]" if isinstance(part, int) else f".{part}"
        problems.append(Problem(place.lstrip("."), rule_text(item["type"], item["msg"])))
    return tuple(problems)


def rule_text(kind: str, message: str) -> str:
    """One of pydantic's errors in the words of our rules, without the value."""
    match kind:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not a member of the request"
        case "rule":
            return message
        case _:
            text = re.sub(r"^(Input|String|List|Dictionary|Value) should ", "should ", message)
            return text.replace("should ", "must ", 1)

"""Templates in names and dates: `{field}` and `{field:argument}`, parsed strictly, never evaluated.

No `str.format`, no attribute access, no expressions: a template is cut into literal text and
fields of a fixed list, and whatever is not on the list is a TemplateError that says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

NAME_FIELDS = (
    "export",
    "burst",
    "recipient",
    "dashboard",
    "sheet",
    "format",
    "number",
    "date",
    "tag",
)
DATE_CODES = "YymdHMSjGVubBaA"
"""Codes of strftime that a date may use: %Y %y %m %d %H %M %S %j %G %V %u %b %B %a %A."""
DEFAULT_DATE = "%Y-%m-%d"
_PIECE = re.compile(r"\{([^{}]*)\}|([^{}]+)|([{}])")
_DATE_PIECE = re.compile(r"\{date(?::([^{}]*))?\}")
_DATE_FORMAT = re.compile(rf"(?:%[{DATE_CODES}]|[A-Za-z0-9 _./:,-])+")


class TemplateError(ValueError):
    """A template that cannot be used; its text is a rule, without the template's own text."""


@dataclass(frozen=True)
class Field:
    """One field of a template; `argument` is what stands after the colon."""

    name: str
    argument: str = ""


Template = tuple[str | Field, ...]


def parse_template(text: str) -> Template:
    """Literal texts and fields, in order. Raises TemplateError naming an unknown field."""
    parts: list[str | Field] = []
    for match in _PIECE.finditer(text):
        inner, literal, brace = match.groups()
        if brace is not None:
            raise TemplateError("must close each brace: {field} or {field:argument}")
        parts.append(_field_of(inner) if inner is not None else literal)
    return tuple(parts)


def _field_of(inner: str) -> Field:
    name, colon, argument = inner.partition(":")
    if name not in NAME_FIELDS:
        shown = name if re.fullmatch(r"\w{1,30}", name) else "that one"
        raise TemplateError(f"has no field {shown}; fields are {', '.join(NAME_FIELDS)}")
    if name == "tag" and not argument:
        raise TemplateError("must name the tag: {tag:<label>}")
    if colon and name not in ("tag", "date"):
        raise TemplateError(f"must not give the field {name} an argument")
    if name == "date" and colon:
        check_date_format(argument)
    return Field(name, argument)


def check_date_format(text: str) -> None:
    """Raise TemplateError unless a date may be written so."""
    if not _DATE_FORMAT.fullmatch(text):
        codes = " ".join(f"%{code}" for code in DATE_CODES)
        raise TemplateError(f"must write dates with {codes} and plain characters only")


def render(
    template: Template, values: Mapping[str, str], tags: Mapping[str, str], moment: datetime
) -> str:
    """The text of a template. Raises TemplateError for a tag or field that has no value."""
    return "".join(
        part if isinstance(part, str) else _value_of(part, values, tags, moment)
        for part in template
    )


def _value_of(
    field: Field, values: Mapping[str, str], tags: Mapping[str, str], moment: datetime
) -> str:
    if field.name == "date":
        return moment.strftime(field.argument or DEFAULT_DATE)
    if field.name == "tag":
        if field.argument not in tags:
            raise TemplateError("names a tag that the request's Tags do not have")
        return tags[field.argument]
    if not values.get(field.name):
        raise TemplateError(f"uses {{{field.name}}}, which this export does not have")
    return values[field.name]


def fill_dates(text: str, moment: datetime) -> str:
    """`text` with each `{date}` and `{date:format}` written out; all other braces stay as they are.

    Raises TemplateError for a format that is not allowed.
    """

    def written(match: re.Match[str]) -> str:
        if match[1] is not None:
            check_date_format(match[1])
        return moment.strftime(match[1] or DEFAULT_DATE)

    return _DATE_PIECE.sub(written, text)


def moment_of(epoch: float, zone: str = "UTC") -> datetime:
    """A time in a zone of the IANA database."""
    return datetime.fromtimestamp(epoch, UTC).astimezone(ZoneInfo(zone))

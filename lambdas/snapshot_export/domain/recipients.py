"""A manifest's records as recipients: CSV by its columns, or one JSON object on each line.

Columns of a CSV: `RecipientId`, `Name`, `Email`, `PasswordSecret`, `tag:<key>` (a
row-level-security tag), and `parameter:<string|integer|decimal|datetime>:<name>` (twice for two
values). An empty cell of a parameter or a name leaves the template's; a tag's cell may not be
empty, since an export without its tag could show another's rows. What is wrong with a line is
reported at once, each cell by its column, and never its value.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from snapshot_export.domain.burst_request import RECIPIENT_ID, Recipient
from snapshot_export.domain.json_text import read_json
from snapshot_export.domain.manifest_lines import MAX_RECORD_BYTES, Record
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.domain.shape import problems_of
from snapshot_export.domain.visible_text import hidden_rule

MAX_COLUMNS = 500
SINGLE_COLUMNS = ("RecipientId", "Name", "Email", "PasswordSecret")
COLUMNS = (
    "RecipientId, Name, Email, PasswordSecret, tag:<key>, "
    "parameter:<string|integer|decimal|datetime>:<name>"
)
MEMBERS = ", ".join(Recipient.model_fields)


def _integer(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,19}", text):
        raise ValueError
    return int(text)


def _decimal(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or not re.fullmatch(r"[-+.0-9eE]+", text):
        raise ValueError
    return number


def _datetime(text: str) -> str:
    datetime.fromisoformat(text)
    return text


@dataclass(frozen=True)
class ColumnKind:
    """A kind of parameter: the request's member, how a cell is read, and what it has to be."""

    member: str
    convert: Callable[[str], Any]
    rule: str


COLUMN_KINDS = {
    "string": ColumnKind("StringParameters", str, ""),
    "integer": ColumnKind(
        "IntegerParameters", _integer, "must be a whole number of digits only, such as 2026"
    ),
    "decimal": ColumnKind(
        "DecimalParameters",
        _decimal,
        "must be a number with a point before its decimals and nothing between its thousands, "
        "such as 1234.5",
    ),
    "datetime": ColumnKind(
        "DateTimeParameters",
        _datetime,
        "must be an ISO 8601 time, such as 2026-11-01 or 2026-11-01T06:00:00+01:00",
    ),
}


@dataclass(frozen=True)
class Columns:
    """The header of a CSV manifest."""

    names: tuple[str, ...]


class RecipientIds:
    """The ids that a manifest has given so far, each with its first line.

    Ids that differ in case only are one: they are one file on many systems, and one mailbox. An id
    counts wherever it stands, also on a line that is refused for something else. Kept in memory,
    about 150 bytes for each.
    """

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}

    def add(self, record: Record, columns: Columns | None) -> tuple[Problem, ...]:
        """Take the record's id; the problem if it stands on an earlier line."""
        given = _recipient_id(record, columns)
        if given is None:
            return ()
        first = self._lines.setdefault(given.casefold(), record.line)
        if first == record.line:
            return ()
        text = f"must stand once in a burst, in whatever case: it is that of line {first}"
        return (Problem("RecipientId", text),)


def read_columns(record: Record) -> Columns:
    """The columns that a manifest's first record names. Raises InvalidRequestError.

    What is no column is named by its position: in a manifest without a header it is a value.
    """
    names = tuple(name.strip() for name in _cells(record, "utf-8-sig"))
    if len(names) > MAX_COLUMNS:
        raise InvalidRequestError((Problem("", f"must have at most {MAX_COLUMNS} columns"),))
    problems = [
        Problem(f"column {position}", rule)
        for position, name in enumerate(names, start=1)
        if (rule := column_rule(name))
    ]
    named = Counter(name for name in names if not name.startswith("parameter:"))
    problems += [
        Problem(name, "must be there once")
        for name, times in named.items()
        if times > 1 and column_rule(name) is None
    ]
    kinds: dict[str, str] = {}
    for name in names:
        prefix, _, parameter = name.rpartition(":")
        if prefix.startswith("parameter:") and kinds.setdefault(parameter, prefix) != prefix:
            problems.append(Problem(name, "must be of one kind in all of its columns"))
    if problems:
        raise InvalidRequestError(tuple(problems))
    return Columns(names)


def column_rule(name: str) -> str | None:
    """The rule that a column's name breaks, or None."""
    kind, _, rest = name.partition(":")
    if kind == "tag" and rest:
        return hidden_rule(rest)
    if kind == "parameter":
        typed, _, parameter = rest.partition(":")
        if typed in COLUMN_KINDS and parameter:
            is_named = re.fullmatch("[A-Za-z0-9]+", parameter)
            return None if is_named else "must name a parameter by letters and digits"
    if name in SINGLE_COLUMNS:
        return None
    return "is not a column of a manifest"


def column_of(member: str, parameter: str) -> str:
    """The column of a parameter of one of the request's members."""
    kind = next(name for name, each in COLUMN_KINDS.items() if each.member == member)
    return f"parameter:{kind}:{parameter}"


def recipient_of(record: Record, columns: Columns | None) -> Recipient:
    """The recipient of a record; `columns` of a CSV. Raises InvalidRequestError without values."""
    if record.problem:
        raise InvalidRequestError((Problem("", record.problem),))
    problems: list[Problem] = []
    if columns:
        row = _read_cells(_row(record, columns), columns)
        data, problems, places = row.data, row.problems, row.places
    else:
        data, places = _from_json(record), {}
    try:
        recipient = Recipient.model_validate(data)
    except ValidationError as error:
        problems += [_at_column(problem, places) for problem in problems_of(error)]
    if problems:
        raise InvalidRequestError(tuple(problems))
    return recipient


def _recipient_id(record: Record, columns: Columns | None) -> str | None:
    """The well-formed id of a record, whatever else is wrong with it."""
    if record.problem or (columns and "RecipientId" not in columns.names):
        return None
    try:
        if columns:
            given = _row(record, columns)[columns.names.index("RecipientId")]
        else:
            given = json.loads(record.data.decode("utf-8-sig"))["RecipientId"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return None
    is_id = isinstance(given, str) and re.fullmatch(RECIPIENT_ID, given)
    return given if is_id else None


def _from_json(record: Record) -> Any:
    encoding = "utf-8-sig" if record.line == 1 else "utf-8"
    return read_json(_text(record, encoding), MAX_RECORD_BYTES)


@dataclass(frozen=True)
class _Row:
    """A line's cells as a recipient's members, and what is wrong with single ones.

    `places` are the columns of the members' places.
    """

    data: dict[str, Any]
    problems: list[Problem]
    places: dict[str, str]


def _row(record: Record, columns: Columns) -> list[str]:
    cells = _cells(record, "utf-8")
    if len(cells) != len(columns.names):
        text = f"must have {len(columns.names)} cells as the header, has {len(cells)}"
        raise InvalidRequestError((Problem("", text),))
    return cells


def _read_cells(cells: list[str], columns: Columns) -> _Row:
    row = _Row({}, [], {})
    tags: list[dict[str, str]] = []
    parameters: dict[str, dict[str, list[Any]]] = {}
    for name, cell in zip(columns.names, cells, strict=True):
        kind, _, rest = name.partition(":")
        if "\x00" in cell:
            row.problems.append(Problem(name, "must not hold NUL characters"))
        elif not cell:
            if kind == "tag":
                row.problems.append(Problem(name, "must not be empty"))
        elif kind == "tag":
            row.places[f"RowLevelPermissionTags[{len(tags)}]"] = name
            tags.append({"Key": rest, "Value": cell})
        elif kind == "parameter":
            typed, _, parameter = rest.partition(":")
            column = COLUMN_KINDS[typed]
            try:
                value = column.convert(cell)
            except ValueError:
                row.problems.append(Problem(name, column.rule))
            else:
                named = parameters.setdefault(column.member, {})
                place = [*named].index(parameter) if parameter in named else len(named)
                row.places[f"Parameters.{column.member}[{place}]"] = name
                named.setdefault(parameter, []).append(value)
        else:
            row.data[name] = cell
    if tags:
        row.data["RowLevelPermissionTags"] = tags
    if parameters:
        row.data["Parameters"] = {
            member: [{"Name": name, "Values": values} for name, values in named.items()]
            for member, named in parameters.items()
        }
    return row


def _at_column(problem: Problem, places: dict[str, str]) -> Problem:
    found = re.match(r"(RowLevelPermissionTags|Parameters\.\w+)\[\d+\]", problem.place)
    column = places.get(found[0]) if found else None
    return Problem(column, problem.rule) if column else problem


def _cells(record: Record, encoding: str) -> list[str]:
    if record.problem:
        raise InvalidRequestError((Problem("", record.problem),))
    try:
        return next(csv.reader(io.StringIO(_text(record, encoding), newline=""), strict=True), [])
    except csv.Error:
        raise InvalidRequestError((Problem("", "must be a well-formed CSV record"),)) from None


def _text(record: Record, encoding: str) -> str:
    try:
        return record.data.decode(encoding)
    except UnicodeDecodeError:
        raise InvalidRequestError((Problem("", "must be UTF-8"),)) from None

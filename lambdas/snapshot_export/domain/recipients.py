"""A manifest's records as recipients: CSV by its columns, or one JSON object on each line.

Columns of a CSV: `RecipientId`, `Name`, `tag:<key>` (a row-level-security tag), and
`parameter:<string|integer|decimal|datetime>:<name>` (twice for two values). An empty cell of a
parameter or a name leaves the template's; a tag's cell may not be empty, since an export without
its tag could show another's rows.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from snapshot_export.domain.burst_request import Recipient
from snapshot_export.domain.manifest_lines import MAX_RECORD_BYTES, Record
from snapshot_export.domain.request import (
    InvalidRequestError,
    Problem,
    problems_of,
    read_json,
    refuse_unusable_text,
)

MAX_COLUMNS = 500
SINGLE_COLUMNS = ("RecipientId", "Name")


def _integer(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise ValueError
    return int(text)


def _decimal(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or "_" in text:
        raise ValueError
    return number


COLUMN_KINDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "string": ("StringParameters", str),
    "integer": ("IntegerParameters", _integer),
    "decimal": ("DecimalParameters", _decimal),
    "datetime": ("DateTimeParameters", str),
}


@dataclass(frozen=True)
class Columns:
    """The header of a CSV manifest."""

    names: tuple[str, ...]


def read_columns(record: Record) -> Columns:
    """The columns that a manifest's first record names. Raises InvalidRequestError.

    What is no column is told by its position: in a manifest without a header it is a value.
    """
    names = tuple(name.strip() for name in _cells(record, "utf-8-sig"))
    problems = [
        Problem(f"column {position}", "is not a column of a manifest")
        for position, name in enumerate(names, start=1)
        if not _is_column(name)
    ]
    problems += [
        Problem(name, "must be there once")
        for name, times in Counter(names).items()
        if times > 1 and _is_column(name) and not name.startswith("parameter:")
    ]
    if len(names) > MAX_COLUMNS:
        problems = [Problem("", f"must have at most {MAX_COLUMNS} columns")]
    if problems:
        raise InvalidRequestError(tuple(problems))
    return Columns(names)


def recipient_of(record: Record, columns: Columns | None) -> Recipient:
    """The recipient of a record; `columns` of a CSV. Raises InvalidRequestError without values."""
    if record.problem:
        raise InvalidRequestError((Problem("", record.problem),))
    data = _from_cells(record, columns) if columns else _from_json(record)
    try:
        return Recipient.model_validate(data)
    except ValidationError as error:
        raise InvalidRequestError(problems_of(error)) from None


def _is_column(name: str) -> bool:
    kind, _, rest = name.partition(":")
    if kind == "tag":
        return bool(rest)
    if kind == "parameter":
        typed, _, parameter = rest.partition(":")
        return typed in COLUMN_KINDS and bool(parameter)
    return name in SINGLE_COLUMNS


def _from_json(record: Record) -> Any:
    encoding = "utf-8-sig" if record.line == 1 else "utf-8"
    return read_json(_text(record, encoding), MAX_RECORD_BYTES)


def _from_cells(record: Record, columns: Columns) -> dict[str, Any]:
    cells = _cells(record, "utf-8")
    if len(cells) != len(columns.names):
        text = f"must have {len(columns.names)} cells as the header, has {len(cells)}"
        raise InvalidRequestError((Problem("", text),))
    data: dict[str, Any] = {}
    tags: list[dict[str, str]] = []
    parameters: dict[str, dict[str, list[Any]]] = {}
    problems = []
    for name, cell in zip(columns.names, cells, strict=True):
        kind, _, rest = name.partition(":")
        if kind == "tag":
            tags.append({"Key": rest, "Value": cell})
            if not cell:
                problems.append(Problem(name, "must not be empty"))
        elif not cell:
            continue
        elif kind == "parameter":
            typed, _, parameter = rest.partition(":")
            member, convert = COLUMN_KINDS[typed]
            try:
                value = convert(cell)
            except ValueError:
                problems.append(Problem(name, f"must be a value of the kind {typed}"))
                continue
            parameters.setdefault(member, {}).setdefault(parameter, []).append(value)
        else:
            data[name] = cell
    if problems:
        raise InvalidRequestError(tuple(problems))
    if tags:
        data["RowLevelPermissionTags"] = tags
    if parameters:
        data["Parameters"] = {
            member: [{"Name": name, "Values": values} for name, values in named.items()]
            for member, named in parameters.items()
        }
    refuse_unusable_text(data, "", 0)
    return data


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

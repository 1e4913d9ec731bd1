"""Files that users hand in: JSON objects, arrays and lines, each with its place in the file."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from snapshots.errors import UsageError

FILE = click.Path(allow_dash=True)
"""Of arguments and options that are read by what follows; shells complete them to files."""


@dataclass(frozen=True)
class Placed:
    """One JSON object of a file; `place` is how messages name it: `item 3`, `line 7` or ""."""

    place: str
    value: dict[str, Any]


def read_objects(source: str) -> list[Placed]:
    """The objects of a file or of standard input (`-`): one, an array of them, or JSON Lines.

    Raises UsageError with the place of the first fault.
    """
    text = read_text(source)
    if not text.strip():
        raise UsageError(f"{_name(source)} is empty")
    try:
        data = _decode(text)
    except json.JSONDecodeError as error:
        if _is_manifest(text):
            raise UsageError(
                f"{_name(source)} is a manifest of recipients, and no request: "
                f"snapshots burst --template REQUEST.json --manifest {source}"
            ) from None
        if error.lineno == 1 and "\n" not in text.strip():
            raise _not_json(source, error) from None
        if not _starts_with_a_line(text):
            raise _not_json(source, error) from None
        return _read_lines(source, text)
    if isinstance(data, list):
        return [
            Placed(f"item {number}", _object(f"{_name(source)}: item {number}", item))
            for number, item in enumerate(data, start=1)
        ]
    return [Placed("", _object(_name(source), data))]


def read_object(source: str) -> dict[str, Any]:
    """The one JSON object of a file or of standard input. Raises UsageError."""
    objects = read_objects(source)
    if len(objects) != 1:
        raise UsageError(f"{_name(source)} must hold one JSON object, not {len(objects)}")
    return objects[0].value


def read_text(source: str) -> str:
    """A file's text, or standard input's for `-`. Raises UsageError."""
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{_name(source)} is not UTF-8 at byte {error.start}") from None


def _is_manifest(text: str) -> bool:
    """Whether the first line names columns of a manifest in CSV, by whatever separator."""
    from snapshot_export.domain.recipients import column_rule  # pydantic, which is slow to import

    first = text.lstrip().splitlines()[0]
    return any(column_rule(cell.strip(' "')) is None for cell in re.split("[,;\t|]", first))


def _starts_with_a_line(text: str) -> bool:
    """Whether the first line is a whole JSON value, so that the file is meant as JSON Lines."""
    try:
        json.loads(text.lstrip().splitlines()[0])
        return True
    except ValueError:
        return False


def _read_lines(source: str, text: str) -> list[Placed]:
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            place = f"line {number}"
            try:
                found.append(Placed(place, _object(f"{_name(source)}: {place}", _decode(line))))
            except json.JSONDecodeError as error:
                raise UsageError(
                    f"{_name(source)}: {place}, column {error.colno}: {error.msg}"
                ) from None
    return found


def _decode(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_members)


def _refuse_constant(name: str) -> None:
    raise UsageError(f"{name} is no JSON number")


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"member {twice} is named twice in one object")
    return members


def _object(place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{place} must be a JSON object")
    return value


def _not_json(source: str, error: json.JSONDecodeError) -> UsageError:
    place = f"line {error.lineno}, column {error.colno}"
    return UsageError(f"{_name(source)}: {place}: {error.msg}")


def _name(source: str) -> str:
    return "standard input" if source == "-" else source

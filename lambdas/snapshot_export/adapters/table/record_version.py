"""The version of records: what is written into each, what may be read, and how.

A member that older code can ignore, with a default where it is missing, changes no version: both
codes read both records, as they must while a deployment replaces one function after the other. The
version goes up when older code would take a record for something else. Then older code refuses it
here, before it acts on it, and what it was asked to do is tried again until newer code does it
(docs/decisions, 11).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from snapshot_export.errors import NewerRecordError, UnreadableRecordError

Kind = TypeVar("Kind")

RECORD_VERSION = 1
MAX_NUMBER = 1e15
"""Larger than any time, size or count of a record."""


def with_version(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as they are written."""
    return {**attributes, "version": RECORD_VERSION}


def read_record(record: Mapping[str, Any], kind: type[Kind], newest: int = RECORD_VERSION) -> Kind:
    """The dataclass that a record is of. A record without a version is of version 1.

    Raises NewerRecordError for a version above `newest`, which a kind of record may have of its
    own, and UnreadableRecordError as `read_part` does.
    """
    version = record.get("version", 1)
    if type(version) is not int or version < 1:
        raise UnreadableRecordError(kind.__name__, "version")
    if version > newest:
        raise NewerRecordError(kind.__name__, version, newest)
    return read_part(record, kind)


def read_part(part: Mapping[str, Any], kind: type[Kind]) -> Kind:
    """The dataclass that a record, or a part of one, holds; what it does not have is left out.

    Raises UnreadableRecordError where a member that must be there is missing, or one is of another
    type or absurdly large.
    """
    known = {}
    for member in _members_of(kind):  # type: ignore[arg-type]
        if member.name in part:
            if not member.takes(part[member.name]):
                raise UnreadableRecordError(kind.__name__, member.name)
            known[member.name] = member.convert(part[member.name])
        elif member.is_needed:
            raise UnreadableRecordError(kind.__name__, member.name)
    return kind(**known)


def unreadable_members(record: Mapping[str, Any], kind: type) -> list[str]:
    """Names of the members that are there and cannot be read, the version among them."""
    found = [
        member.name
        for member in _members_of(kind)
        if member.name in record and not member.takes(record[member.name])
    ]
    return [*found, "version"] if type(record.get("version", 1)) is not int else found


@dataclass(frozen=True)
class _Member:
    name: str
    types: frozenset[type]
    convert: Callable[[Any], Any]
    is_needed: bool

    def takes(self, value: Any) -> bool:
        if not self.types:
            return True
        if type(value) is int or type(value) is float:
            return type(value) in self.types and abs(value) < MAX_NUMBER
        if isinstance(value, str):
            enums = [each for each in self.types if issubclass(each, StrEnum)]
            if enums:
                return any(value in each.__members__ for each in enums)
            return str in self.types
        return type(value) in self.types


@cache
def _members_of(kind: Any) -> tuple[_Member, ...]:
    hints = get_type_hints(kind)
    return tuple(
        _Member(
            each.name,
            _types_of(hints[each.name]),
            _converter_of(hints[each.name]),
            each.default is MISSING and each.default_factory is MISSING,
        )
        for each in fields(kind)
    )


def _types_of(hint: Any) -> frozenset[type]:
    """The types of stored values that a hint takes; none for parts that are records themselves."""
    if isinstance(hint, UnionType):
        parts = [_types_of(each) for each in hint.__args__]
        return frozenset().union(*parts) if all(parts) else frozenset()
    hint = get_origin(hint) or hint
    if hint is float:
        return frozenset({int, float})
    if hint is tuple:
        return frozenset({tuple, list})
    plain = hint in (str, int, bool, dict, type(None))
    return frozenset({hint}) if plain or issubclass(hint, StrEnum) else frozenset()


def _converter_of(hint: Any) -> Callable[[Any], Any]:
    """Makes of a stored value what a hint says: enums, tuples and parts of theirs."""
    if isinstance(hint, UnionType):
        kinds = [each for each in get_args(hint) if each is not NoneType]
        if len(kinds) > 1:
            return _as_it_is
        convert, is_part = _converter_of(kinds[0]), is_dataclass(kinds[0])
        # An update writes {} where there is no part any more.
        return lambda value: None if value is None or (is_part and not value) else convert(value)
    if isinstance(hint, type) and is_dataclass(hint):
        return partial(read_part, kind=hint)
    if get_origin(hint) is tuple:
        convert = _converter_of(get_args(hint)[0])
        return lambda value: tuple(map(convert, value))
    return hint if isinstance(hint, type) and issubclass(hint, StrEnum) else _as_it_is


def _as_it_is(value: Any) -> Any:
    return value

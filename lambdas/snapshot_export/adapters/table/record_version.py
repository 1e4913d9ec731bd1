"""The version of records: what is written into each, and what may be read.

A member that older code can ignore, with a default where it is missing, changes no version: both
codes read both records, as they must while a deployment replaces one function after the other. The
version goes up when older code would take a record for something else. Then older code refuses it
here, before it acts on it, and what it was asked to do is tried again until newer code does it
(docs/decisions, 11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, get_origin, get_type_hints

from snapshot_export.errors import NewerRecordError, UnreadableRecordError

RECORD_VERSION = 1
MAX_NUMBER = 1e15
"""Larger than any time, size or count of a record."""


def with_version(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as they are written."""
    return {**attributes, "version": RECORD_VERSION}


def known_members(
    record: Mapping[str, Any], kind: type, newest: int = RECORD_VERSION
) -> dict[str, Any]:
    """The members of a record, or a part of one, that a dataclass has; others are left out.

    Raises NewerRecordError for a version above `newest`, which a kind of record may have of its
    own, and UnreadableRecordError where a member that must be there is missing or one is of another
    type or absurdly large. A record without a version is of version 1.
    """
    version = record.get("version", 1)
    if type(version) is not int or version < 1:
        raise UnreadableRecordError(kind.__name__, "version")
    if version > newest:
        raise NewerRecordError(kind.__name__, version, newest)
    known = {}
    for member in _members_of(kind):
        if member.name in record:
            known[member.name] = record[member.name]
            if not member.takes(record[member.name]):
                raise UnreadableRecordError(kind.__name__, member.name)
        elif member.is_needed:
            raise UnreadableRecordError(kind.__name__, member.name)
    return known


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
def _members_of(kind: type) -> tuple[_Member, ...]:
    hints = get_type_hints(kind)
    return tuple(
        _Member(
            each.name,
            _types_of(hints[each.name]),
            each.default is MISSING and each.default_factory is MISSING,
        )
        for each in fields(kind)
    )


def _types_of(hint: Any) -> frozenset[type]:
    """The types of stored values that a hint takes; none for parts that are read on their own."""
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

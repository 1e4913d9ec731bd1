"""Requests read against the service model's shapes, more strictly than the client does.

botocore checks types, required members and minima before it sends; the service also checks
maxima, patterns (as full matches, ASCII classes) and enums. Members that the model does not know
are ignored and `null` counts as absent, as AWS does.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

_INT64 = range(-(2**63), 2**63)


def read_members(shape: Any, value: object) -> tuple[dict[str, Any], list[str]]:
    """The known members of a request and every violation found, each naming its place."""
    violations: list[str] = []
    known = _read(shape, value, "", violations)
    return (known if isinstance(known, dict) else {}), violations


def _read(shape: Any, value: object, path: str, violations: list[str]) -> Any:
    reader = _READERS.get(shape.type_name, _number)
    return reader(shape, value, path, violations)


def _structure(shape: Any, value: object, path: str, violations: list[str]) -> Any:
    if not isinstance(value, Mapping):
        return _refuse(path, "must be an object", violations)
    known = {
        name: _read(member, value[name], f"{path}.{name}".lstrip("."), violations)
        for name, member in shape.members.items()
        if value.get(name) is not None
    }
    violations.extend(
        f"{path}.{name}".lstrip(".") + " is required"
        for name in shape.required_members
        if value.get(name) is None
    )
    return known


def _list(shape: Any, value: object, path: str, violations: list[str]) -> Any:
    if not isinstance(value, list):
        return _refuse(path, "must be a list", violations)
    _check_length(shape, len(value), "entries", path, violations)
    return [
        _read(shape.member, entry, f"{path}[{index}]", violations)
        for index, entry in enumerate(value)
    ]


def _string(shape: Any, value: object, path: str, violations: list[str]) -> Any:
    if not isinstance(value, str):
        return _refuse(path, "must be a string", violations)
    _check_length(shape, len(value), "characters", path, violations)
    pattern, enum = shape.metadata.get("pattern"), getattr(shape, "enum", ())
    if pattern and not re.fullmatch(pattern, value, re.ASCII):
        _refuse(path, f"must match {pattern}", violations)
    if enum and value not in enum:
        _refuse(path, f"must be one of {', '.join(enum)}", violations)
    return value


def _number(shape: Any, value: object, path: str, violations: list[str]) -> Any:
    endless = isinstance(value, float) and not math.isfinite(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or endless:
        return _refuse(path, "must be a number", violations)
    whole = isinstance(value, int) and value in _INT64
    if shape.type_name in ("integer", "long") and not whole:
        return _refuse(path, "must be a whole number of 64 bits", violations)
    return value


def _boolean(_shape: Any, value: object, path: str, violations: list[str]) -> Any:
    return value if isinstance(value, bool) else _refuse(path, "must be true or false", violations)


_READERS = {
    "structure": _structure,
    "list": _list,
    "string": _string,
    "blob": _string,
    "boolean": _boolean,
}
"""By the type of a shape; blobs are base64 in JSON, timestamps are numbers."""


def _check_length(shape: Any, size: int, unit: str, path: str, violations: list[str]) -> None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        _refuse(path, f"must have at least {least} {unit}", violations)
    if most is not None and size > most:
        _refuse(path, f"must have at most {most} {unit}", violations)


def _refuse(path: str, rule: str, violations: list[str]) -> None:
    violations.append(f"{path or 'the request'} {rule}")

"""Requests as JSON: which texts are one, and how what was checked is kept and compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from snapshot_export.domain.problem import InvalidRequestError, Problem

MAX_BODY_BYTES = 262_144
"""Room for the rest of the export in DynamoDB's 400 KB item."""
MAX_DEPTH = 32


def read_json(text: str, most_bytes: int = MAX_BODY_BYTES) -> Any:
    """The object that a JSON text holds, if AWS can carry it. Raises InvalidRequestError."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidRequestError((Problem("", "must be valid Unicode"),)) from None
    if size > most_bytes:
        raise InvalidRequestError((Problem("", f"must be at most {most_bytes} bytes"),))
    try:
        data = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_members)
    except InvalidRequestError:
        raise
    except json.JSONDecodeError as error:
        problem = Problem(
            "", f"must be JSON: {error.msg} at line {error.lineno} column {error.colno}"
        )
        raise InvalidRequestError((problem,)) from None
    except (RecursionError, ValueError):
        raise InvalidRequestError(
            (Problem("", "must be JSON of sane depth and numbers"),)
        ) from None
    if not isinstance(data, dict):
        raise InvalidRequestError((Problem("", "must be a JSON object"),))
    refuse_unusable_text(data, "", 0)
    return data


def _refuse_constant(name: str) -> None:
    raise InvalidRequestError((Problem("", f"must be JSON: {name} is no JSON number"),))


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidRequestError((Problem("", "must not name a member twice in one object"),))
    return members


def refuse_unusable_text(value: Any, place: str, depth: int) -> None:
    """Refuse what JSON can carry and AWS cannot: lone surrogates, NUL; and bottomless nesting."""
    if depth > MAX_DEPTH:
        raise InvalidRequestError((Problem("", f"must nest at most {MAX_DEPTH} levels"),))
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise InvalidRequestError(
                (Problem(place, "must not hold NUL or lone surrogate characters"),)
            )
    elif isinstance(value, dict):
        for key, member in value.items():
            refuse_unusable_text(key, f"{place}.(a member's name)".lstrip("."), depth + 1)
            refuse_unusable_text(member, f"{place}.{key}".lstrip("."), depth + 1)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            refuse_unusable_text(member, f"{place}[{index}]", depth + 1)


def digest_of(data: Any) -> str:
    """SHA-256 of the canonical JSON: equal for requests that mean the same."""
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def written(snapshot: Mapping[str, Any]) -> str:
    """A checked request's snapshot as the table keeps it: short, since an item has 400 KB."""
    return json.dumps(snapshot, ensure_ascii=False, separators=(",", ":"))

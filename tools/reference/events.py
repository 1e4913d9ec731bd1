"""docs/events.md and the schemas in docs/events/, from adapters/events/details.py."""

import json
from typing import Any

from pydantic import TypeAdapter

from snapshot_export.adapters.events.details import DETAIL_TYPES
from tools.reference.pages import fill, table
from tools.reference.shapes import members_table

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBERS = {6: "Six", 7: "Seven", 8: "Eight"}


def pages() -> dict[str, str]:
    """The page and each event's schema, by file name."""
    schemas = {detail_type: _schema(kind) for kind, detail_type in DETAIL_TYPES.items()}
    files = {_file(name): json.dumps(each, indent=2) + "\n" for name, each in schemas.items()}
    rows = [
        (f"`{name}`", _first_lower(schema["description"]), f"[{_file(name)}]({_file(name)})")
        for name, schema in schemas.items()
    ]
    shared: dict[str, Any] = {}
    for schema in schemas.values():
        shared |= schema.get("$defs", {})
    sections = [f"### {name}\n\n{members_table(schema)}" for name, schema in schemas.items()]
    sections += [
        f"### {name}\n\n{schema['description']}\n\n{members_table(schema)}"
        for name, schema in shared.items()
    ]
    page = fill(
        "events.md",
        count=_NUMBERS.get(len(schemas), str(len(schemas))),
        events=table(("detail-type", "sent when", "schema"), rows),
        members="\n".join(sections),
    )
    return {"events.md": page} | files


def _file(detail_type: str) -> str:
    return f"events/{detail_type.lower().replace(' ', '-')}.json"


def _schema(kind: type) -> dict[str, Any]:
    schema = _without_titles(TypeAdapter(kind).json_schema())
    name = DETAIL_TYPES[kind]
    return {"$schema": _DIALECT, "title": name, **schema}


def _without_titles(value: Any) -> Any:
    """Pydantic's titles only repeat the members' names."""
    if isinstance(value, dict):
        return {
            name: _without_titles(member)
            for name, member in value.items()
            if name != "title" or not isinstance(member, str)
        }
    if isinstance(value, list):
        return [_without_titles(each) for each in value]
    return value


def _first_lower(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text[0].lower() + text[1:]

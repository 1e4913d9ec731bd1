"""A JSON schema in words: one row for each member of an object."""

import re
from typing import Any

from tools.reference.pages import table

_HEAD = ("member", "", "value", "")
_BOUNDS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "maxProperties": "at most {} entries",
    "minimum": "from {}",
    "maximum": "to {}",
    "exclusiveMaximum": "under {}",
}
_CHOICE = re.compile(r"\^\(([A-Z_|]+)\)\$")
_NAMES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true, false"}


def members_table(schema: dict[str, Any]) -> str:
    """The members of an object: whether each must be there, what it may be, what it means."""
    required = set(schema.get("required", ()))
    return table(
        _HEAD,
        [
            (
                f"`{name}`",
                "required" if name in required else "",
                in_words(member),
                member.get("description", ""),
            )
            for name, member in schema.get("properties", {}).items()
        ],
    )


def in_words(schema: dict[str, Any]) -> str:
    """What a value may be; objects are linked to by name."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if either := schema.get("anyOf") or schema.get("oneOf"):
        kinds = [each for each in either if each.get("type") != "null"]
        return " or ".join(in_words(each) for each in kinds)
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("format") == "date-time":
        return "time (ISO 8601)"
    return ", ".join([_kind(schema), *_rules(schema)])


def _kind(schema: dict[str, Any]) -> str:
    match schema.get("type"):
        case "array":
            return f"list{_count(schema)} of {in_words(schema.get('items', {}))}"
        case "object":
            value = schema.get("additionalProperties")
            return f"object of {in_words(value)}" if isinstance(value, dict) else "object"
        case str() as name:
            return _NAMES.get(name, name)
    return "any"


def _count(schema: dict[str, Any]) -> str:
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if most is None:
        return f" (at least {least})" if least else ""
    return f" ({least})" if least == most else f" ({least} to {most})"


def _rules(schema: dict[str, Any]) -> list[str]:
    found = [
        text.format(schema[name])
        for name, text in _BOUNDS.items()
        if name in schema and (name, schema[name]) != ("minLength", 1)
    ]
    if pattern := schema.get("pattern"):
        choice = _CHOICE.fullmatch(pattern)
        found += [f"`{each}`" for each in choice[1].split("|")] if choice else [f"`{pattern}`"]
    if schema.get("default") is not None:
        found.append(f"else `{schema['default']}`")
    return found

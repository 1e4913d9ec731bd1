"""Whether a resource's policy lets QuickSight do something, and if not, why not.

Only what such policies usually hold is understood. A statement that is not (NotAction, other
conditions) is taken at its worst: it allows nothing, and it denies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import botocore.loaders

SERVICE = "quicksight.amazonaws.com"

_INVERTED = ("NotPrincipal", "NotAction", "NotResource")


def s3_host(region: str) -> str:
    """S3 in a region, as kms:ViaService names it: each partition has a suffix of its own.

    Source: AWS KMS Developer Guide, "kms:ViaService"; botocore's partitions.
    """
    partitions = botocore.loaders.create_loader().load_data("partitions")["partitions"]
    (suffix,) = (
        each["outputs"]["dnsSuffix"]
        for each in partitions
        if re.fullmatch(each["regionRegex"], region)
    )
    return f"s3.{region}.{suffix}"


@dataclass(frozen=True)
class Request:
    """What QuickSight asks for; `context` are the condition keys that it sends."""

    action: str
    resource: str
    context: Mapping[str, str]


def find_obstacle(policy: Mapping[str, Any], request: Request) -> str:
    """Why the request is not allowed, as the rest of a sentence; empty if it is."""
    allowed, near_misses = False, []
    for statement in _as_list(policy.get("Statement")):
        if not _is_about(statement, request):
            continue
        unmet = [*_unmet_conditions(statement, request)]
        if statement.get("Effect") == "Deny":
            if not any(is_known for _, is_known in unmet):
                return f"is denied by statement {statement.get('Sid') or statement}"
        elif not unmet:
            allowed = True
        else:
            near_misses += [text for text, _ in unmet]
    if allowed:
        return ""
    return f"is allowed only if {' and '.join(near_misses)}" if near_misses else "is not allowed"


def _is_about(statement: Mapping[str, Any], request: Request) -> bool:
    if any(name in statement for name in _INVERTED):
        return statement.get("Effect") == "Deny" and not _is_exempt(statement, request)
    return (
        _names_quicksight(statement.get("Principal"))
        and _matches(statement.get("Action"), request.action, ignore_case=True)
        and _matches(statement.get("Resource"), request.resource)
    )


def _is_exempt(statement: Mapping[str, Any], request: Request) -> bool:
    """Whether an inverted Deny spares QuickSight or the action."""
    return _names_quicksight(statement.get("NotPrincipal")) or _matches(
        statement.get("NotAction"), request.action, ignore_case=True
    )


def _names_quicksight(principal: Any) -> bool:
    if isinstance(principal, Mapping):
        services, everybody = _as_list(principal.get("Service")), _as_list(principal.get("AWS"))
        return SERVICE in services or "*" in everybody
    return bool(principal == "*")


def _unmet_conditions(statement: Mapping[str, Any], request: Request) -> Iterator[tuple[str, bool]]:
    """Each condition that does not hold, and whether that is known for certain."""
    for operator, keys in statement.get("Condition", {}).items():
        for key, wanted in keys.items():
            values = [str(each) for each in _as_list(wanted)]
            holds = _holds(operator, _look_up(key, request.context), values)
            if not holds:
                yield f"{key} {operator} {', '.join(values)}", holds is not None


def _holds(operator: str, actual: str | None, values: list[str]) -> bool | None:
    """None where it is not known."""
    name = operator.removesuffix("IfExists")
    if actual is None:
        return True if name != operator else None
    if name == "StringEquals":
        return actual in values
    if name in ("StringLike", "ArnLike", "ArnEquals"):
        return any(_is_like(value, actual) for value in values)
    if name == "StringNotEquals":
        return actual not in values
    if name == "Bool":
        return actual in [value.lower() for value in values]
    if name == "NumericLessThan":
        return any(float(actual) < float(value) for value in values)
    return None


def _look_up(key: str, context: Mapping[str, str]) -> str | None:
    return next((text for name, text in context.items() if name.lower() == key.lower()), None)


def _matches(patterns: Any, text: str, *, ignore_case: bool = False) -> bool:
    if ignore_case:
        return any(_is_like(each.lower(), text.lower()) for each in _as_list(patterns))
    return any(_is_like(each, text) for each in _as_list(patterns))


def _is_like(pattern: str, text: str) -> bool:
    return fnmatchcase(text, re.sub(r"\[", "[[]", pattern))


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

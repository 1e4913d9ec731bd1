"""Whether a bucket's policy lets QuickSight write: a small, honest evaluation.

QuickSight's service principal needs `s3:PutObject` on the object and `s3:GetBucketLocation` on
the bucket (AWS's text on snapshot destinations). A Deny that applies wins. What is not understood
(NotPrincipal, NotAction, NotResource, other conditions) never allows, and denies in a Deny.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

PRINCIPAL = "quicksight.amazonaws.com"

_UNREAD = ("NotPrincipal", "NotAction", "NotResource")
_OPERATORS = re.compile(r"(String|Arn)(Equals|Like)|Bool|NumericLessThan")


def allows(
    policy: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]
) -> bool:
    """Whether the policy allows the action; `context` holds the condition keys that are known."""
    effects = {
        statement["Effect"]
        for statement in _as_list(policy.get("Statement"))
        if _applies(statement, action, resource, context)
    }
    return effects == {"Allow"}


def _applies(
    statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]
) -> bool:
    if any(name in statement for name in _UNREAD):
        return bool(statement["Effect"] == "Deny")
    return (
        _is_quicksight(statement.get("Principal"))
        and _any_like(statement.get("Action"), action.lower(), lower=True)
        and _any_like(statement.get("Resource"), resource)
        and all(
            _holds(operator, key, _as_list(values), context, statement["Effect"])
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _is_quicksight(principal: Any) -> bool:
    if isinstance(principal, Mapping):
        services, accounts = _as_list(principal.get("Service")), _as_list(principal.get("AWS"))
        return PRINCIPAL in services or "*" in accounts
    return bool(principal == "*")


def _any_like(patterns: Any, text: str, *, lower: bool = False) -> bool:
    return any(
        fnmatchcase(text, (pattern.lower() if lower else pattern).replace("[", "[[]"))
        for pattern in _as_list(patterns)
    )


def _holds(
    operator: str, key: str, values: list[Any], context: Mapping[str, str], effect: str
) -> bool:
    actual = next((text for name, text in context.items() if name.lower() == key.lower()), None)
    if actual is None or not _OPERATORS.fullmatch(operator):
        return effect == "Deny"
    if operator == "NumericLessThan":
        return any(float(actual) < float(value) for value in values)
    if operator == "Bool":
        return any(actual == str(value).lower() for value in values)
    if operator == "StringEquals":
        return actual in values
    return _any_like(values, actual)


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

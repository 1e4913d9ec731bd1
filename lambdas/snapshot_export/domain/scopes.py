"""What a caller of the API must be allowed to do, by the call: the scopes of a JWT.

A scope is asked for by the kind of call, not by customer or dashboard: whoever may read, may read
every export. API Gateway asks for the route's scope, and the API function asks for it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Scope(StrEnum):
    """A kind of calls; their names in tokens are a deployment's to choose."""

    READ = "read"
    """Lists, records, files by their download links, forecasts: changes nothing."""
    SUBMIT = "submit"
    """New exports and bursts."""
    STEER = "steer"
    """Cancelling, releasing, running again, schedules and capacity, and every call that has no
    place yet."""


DEFAULT_SCOPES: Mapping[str, str] = {each.value: f"snapshots/{each.value}" for each in Scope}
"""Their names in tokens, as Amazon Cognito writes them: `<resource server>/<scope>`."""

_GREEDY = "{proxy+}"
ROUTES: Mapping[tuple[str, str], Scope] = {
    ("GET", f"/{_GREEDY}"): Scope.READ,
    ("POST", "/forecast"): Scope.READ,
    ("POST", "/bursts/{burst_id}/release"): Scope.STEER,
    ("POST", "/bursts/{burst_id}/retry"): Scope.STEER,
    ("POST", "/exports/{export_id}/release"): Scope.STEER,
    ("POST", "/exports/{export_id}/resend"): Scope.STEER,
    ("POST", "/schedules/{name}/run"): Scope.STEER,
    ("POST", f"/{_GREEDY}"): Scope.SUBMIT,
    ("ANY", f"/{_GREEDY}"): Scope.STEER,
}
"""API Gateway's routes, of which it takes the most specific one that fits a call."""


def scope_of(method: str, path: str) -> Scope:
    """The scope that a call needs."""
    fitting = [route for route in ROUTES if route[0] in (method, "ANY") and _fits(route[1], path)]
    return ROUTES[min(fitting, key=lambda route: (_GREEDY in route[1], route[0] == "ANY"))]


def _fits(route: str, path: str) -> bool:
    if _GREEDY in route:
        return True
    ours, given = route.split("/"), path.rstrip("/").split("/")
    return len(ours) == len(given) and all(
        part.startswith("{") or part == other for part, other in zip(ours, given, strict=True)
    )


def scopes_in(claims: Mapping[str, object]) -> frozenset[str]:
    """The scopes of a token, from its claims as API Gateway hands them on.

    A text of words (`scope`), or `scp`, which some issuers write as a list: API Gateway hands a
    list on as the text `[a b]`.
    """
    found: set[str] = set()
    for name in ("scope", "scp"):
        value = claims.get(name)
        words = value if isinstance(value, list) else str(value or "").strip("[]").split()
        found.update(str(word).strip(",") for word in words)
    return frozenset(found)

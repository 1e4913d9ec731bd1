"""Tokens without the scope of their call are refused by the function too; IAM's callers have none.

API Gateway asks for the scopes first (tests/infra/test_api.py): these calls come as from a route
that does not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import Status
from tests.support.api import Answered, call_api
from tests.support.bursts import burst, recipient
from tests.support.messages import message
from tests.support.world import World

SCOPES = {"read": "snapshots/read", "submit": "snapshots/submit", "steer": "our/steer"}
CALLS: list[tuple[str, str, str, Any]] = [
    ("read", "GET", "/exports", None),
    ("read", "GET", "/exports/kept", None),
    ("read", "GET", "/capacity", None),
    ("read", "GET", "/slots", None),
    ("read", "GET", "/forecast", None),
    ("read", "POST", "/forecast", {"Exports": [{"DashboardId": "sales-overview", "Count": 1}]}),
    ("submit", "POST", "/exports", message("new")),
    ("submit", "POST", "/bursts", burst("burst-1", [recipient(1)])),
    ("steer", "DELETE", "/exports/kept", None),
    ("steer", "DELETE", "/bursts/none", None),
    ("steer", "PUT", "/capacity", {"Limit": 3}),
    ("steer", "DELETE", "/schedules/none", None),
]


@pytest.fixture
def services(world: World) -> Services:
    """Of a deployment whose callers have tokens, with an export that waits."""
    world.services.store.change_gate({"limit": 0})
    world.send(message("kept"))
    return replace(world.services, settings=replace(world.settings, jwt_scopes=SCOPES))


def call_with(services: Services, claims: dict[str, Any], call: tuple[str, str, Any]) -> Answered:
    method, path, body = call
    jwt = {"jwt": {"claims": claims, "scopes": None}}
    return call_api(services, method, path, body, authorizer=jwt)


@pytest.mark.parametrize(("kind", "method", "path", "body"), CALLS)
def test_a_call_needs_the_scope_of_its_kind_and_no_other_gives_it(
    services: Services, world: World, kind: str, method: str, path: str, body: Any
) -> None:
    others = " ".join(name for each, name in SCOPES.items() if each != kind)
    refused = call_with(services, {"sub": "ada", "scope": others}, (method, path, body))
    assert (refused.status, refused.body["Code"]) == (403, "MISSING_SCOPE")
    assert refused.body["Message"] == f"This call needs a token with the scope {SCOPES[kind]}."
    assert world.export("kept").status is Status.QUEUED and world.services.store.gate().limit == 0
    assert world.services.store.export("new") is None

    taken = call_with(services, {"sub": "ada", "scope": SCOPES[kind]}, (method, path, body))
    assert taken.status != 403


@pytest.mark.parametrize("authorizer", [{}, {"iam": {"userArn": "x"}}, {"jwt": {}}])
def test_without_a_token_nothing_is_answered_where_tokens_are_expected(
    services: Services, authorizer: dict[str, Any]
) -> None:
    answer = call_api(services, "GET", "/exports", authorizer=authorizer)
    assert (answer.status, answer.body["Code"]) == (403, "MISSING_SCOPE")


def test_a_token_is_refused_where_no_scopes_are_known(world: World) -> None:
    answer = call_with(world.services, {"scope": "snapshots/read"}, ("GET", "/exports", None))
    assert answer.status == 403


def test_callers_whom_iam_authorizes_need_no_scope(world: World) -> None:
    iam = {"iam": {"userArn": "arn:aws:iam::000000000000:user/ada"}}
    assert call_api(world.services, "GET", "/exports", authorizer=iam).status == 200

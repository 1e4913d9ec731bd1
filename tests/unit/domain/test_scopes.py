"""Which scope a call needs, and which ones a token has."""

from __future__ import annotations

import pytest

from snapshot_export.domain.scopes import DEFAULT_SCOPES, Scope, scope_of, scopes_in
from snapshot_export.handlers.api.document import make_document

READ = {
    "getExport",
    "listExports",
    "getBurst",
    "listBursts",
    "getDashboard",
    "listSchedules",
    "getSchedule",
    "getForecast",
    "planExports",
    "getCapacity",
    "getSlots",
}
SUBMIT = {"createExport", "createBurst"}


def test_every_operation_needs_the_scope_of_what_it_does() -> None:
    needed = {
        operation["operationId"]: scope_of(method.upper(), path)
        for path, operations in make_document()["paths"].items()
        for method, operation in operations.items()
    }
    assert {name for name, scope in needed.items() if scope is Scope.READ} == READ
    assert {name for name, scope in needed.items() if scope is Scope.SUBMIT} == SUBMIT
    assert {name for name, scope in needed.items() if scope is Scope.STEER} == {
        "cancelExport",
        "cancelBurst",
        "releaseBurst",
        "retryBurst",
        "resendMails",
        "revokeLinks",
        "releaseExport",
        "runSchedule",
        "putSchedule",
        "deleteSchedule",
        "changeCapacity",
    }


def test_what_has_no_place_yet_needs_the_most() -> None:
    assert scope_of("PATCH", "/exports") is Scope.STEER
    assert scope_of("POST", "/anything/new") is Scope.SUBMIT


@pytest.mark.parametrize("path", ["/bursts/b/retry", "/bursts/b/retry/"])
def test_a_route_with_a_name_in_it_is_found_whatever_the_name(path: str) -> None:
    assert scope_of("POST", path) is Scope.STEER
    assert scope_of("GET", path) is Scope.READ
    assert scope_of("POST", "/bursts/retry") is scope_of("POST", "/bursts/b/c/retry")


def test_the_document_names_the_scope_of_each_operation() -> None:
    document = make_document()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            scope = DEFAULT_SCOPES[scope_of(method.upper(), path)]
            assert operation["security"] == [{"iam": []}, {"jwt": [scope]}]
            assert "403" in operation["responses"]
    assert set(document["components"]["securitySchemes"]) == {"iam", "jwt"}


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "snapshots/read snapshots/steer"}, {"snapshots/read", "snapshots/steer"}),
        ({"scp": "[snapshots/read snapshots/submit]"}, {"snapshots/read", "snapshots/submit"}),
        ({"scp": ["snapshots/read"]}, {"snapshots/read"}),
        ({"scp": "[a, b]", "scope": "c"}, {"a", "b", "c"}),
        ({"scope": "", "sub": "snapshots/read"}, set()),
        ({"scope": None}, set()),
        ({}, set()),
    ],
)
def test_scopes_of_a_token(claims: dict[str, object], scopes: set[str]) -> None:
    assert scopes_in(claims) == scopes

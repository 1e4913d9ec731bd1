"""The API: what it accepts, and the one shape of everything that it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from snapshot_export.domain.export import Status
from snapshot_export.errors import TransientError
from tests.support.api import call_api
from tests.support.messages import message
from tests.support.world import World


def assert_one_shape(body: Any) -> None:
    assert set(body) == {"Code", "Message", "Problems"}
    for problem in body["Problems"]:
        assert set(problem) == {"Field", "Place", "Rule"}


def test_a_posted_export_starts_at_once_and_becomes_its_files(world: World) -> None:
    answer = call_api(world.services, "POST", "/exports", message("posted"))
    assert (answer.status, answer.body) == (
        202,
        {
            "ExportId": "posted",
            "Status": "RUNNING",
            "StatusPath": "/exports/posted",
            "Warnings": [],
        },
    )
    world.driver.run()
    assert world.export("posted").status is Status.COMPLETED


def test_without_an_export_id_every_call_is_a_new_export(world: World) -> None:
    first, second = (
        call_api(world.services, "POST", "/exports", message(None)).body["ExportId"]
        for _ in range(2)
    )
    assert first != second
    assert world.export(first).status is world.export(second).status is Status.RUNNING


def test_the_same_id_is_the_same_export_and_another_body_under_it_is_409(world: World) -> None:
    for _ in range(2):
        assert call_api(world.services, "POST", "/exports", message("same")).status == 202
    answer = call_api(world.services, "POST", "/exports", message("same", customer="cust-0002"))
    assert (answer.status, answer.body["Code"]) == (409, "ID_CONFLICT")
    assert "same" in answer.body["Message"]
    assert_one_shape(answer.body)


def test_a_broken_rule_is_400_with_field_place_and_rule_and_without_the_value(
    world: World,
) -> None:
    secret = "cust-0001-secret" * 30
    answer = call_api(world.services, "POST", "/exports", message("wrong", customer=secret))
    assert answer.status == 400
    assert answer.body["Problems"] == [
        {
            "Field": "Value",
            "Place": "UserConfiguration.AnonymousUsers[0].RowLevelPermissionTags[0].Value",
            "Rule": "must have at most 256 characters",
        }
    ]
    assert world.services.store.export("wrong") is None


@pytest.mark.parametrize(
    "body",
    [None, "", "{", "[]", "null", b"\xff\xfe", '{"a": NaN}', '{"\\ud800": 1}', "[" * 5000,
     "x" * 300_000, b"x" * 300_000],
)  # fmt: skip
def test_bodies_that_are_no_requests_are_400_in_the_one_shape(
    world: World, body: str | bytes | None
) -> None:
    answer = call_api(world.services, "POST", "/exports", body)
    assert (answer.status, answer.body["Code"]) == (400, "INVALID_REQUEST")
    assert_one_shape(answer.body)
    assert answer.body["Problems"]


def test_a_body_in_base64_is_read(world: World) -> None:
    body = b'{"DashboardId": 3}'
    answer = call_api(world.services, "POST", "/exports", body)
    assert {problem["Field"] for problem in answer.body["Problems"]} == {
        "DashboardId",
        "UserConfiguration",
        "SnapshotConfiguration",
    }


@pytest.mark.parametrize("path", ["/", "/nothing", "/exports/a/b", "/Exports", "/exports//"])
def test_an_unknown_path_is_404(world: World, path: str) -> None:
    answer = call_api(world.services, "GET", path)
    assert (answer.status, answer.body["Code"]) == (404, "NOT_FOUND")
    assert_one_shape(answer.body)


def test_an_unknown_method_is_405_and_told_what_the_path_takes(world: World) -> None:
    answer = call_api(world.services, "PATCH", "/exports")
    assert (answer.status, answer.body["Code"]) == (405, "METHOD_NOT_ALLOWED")
    assert "POST" in answer.headers["Allow"]
    assert_one_shape(answer.body)


def test_an_unknown_parameter_is_refused_by_name(world: World) -> None:
    answer = call_api(world.services, "POST", "/exports?Colour=red", message("posted"))
    assert answer.status == 400
    assert answer.body["Problems"][0]["Field"] == "Colour"


def test_busy_is_503_with_retry_after(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any) -> None:
        raise TransientError("DynamoDB: ThrottlingException")

    monkeypatch.setattr(world.services.store, "accept", busy)
    answer = call_api(world.services, "POST", "/exports", message("later"))
    assert (answer.status, answer.body["Code"]) == (503, "BUSY")
    assert int(answer.headers["Retry-After"]) > 0
    assert_one_shape(answer.body)


def test_an_unforeseen_exception_is_500_without_its_text_in_answer_or_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*_: Any) -> None:
        raise RuntimeError("cust-0001 must not be told")

    monkeypatch.setattr(world.services.store, "accept", explode)
    answer = call_api(world.services, "POST", "/exports", message("broken"))
    assert (answer.status, answer.body["Code"]) == (500, "INTERNAL_ERROR")
    assert_one_shape(answer.body)
    lines = [str(vars(record)) for record in caplog.records]
    assert any("RuntimeError at" in line for line in lines)
    assert not [line for line in lines if "must not be told" in line]

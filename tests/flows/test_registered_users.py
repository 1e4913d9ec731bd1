"""An export for a registered user runs with that user's credentials and shows that user's rows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from snapshot_export.domain.export import Status
from tests.support.messages import message, visuals_group
from tests.support.rows import customers_in
from tests.support.world import ACCOUNT, REGION, World

USER_ARN = f"arn:aws:quicksight:{REGION}:{ACCOUNT}:user/default/manager-2"


def request(export_id: str, **user: str) -> dict[str, Any]:
    body = message(export_id, groups=[visuals_group("CSV", "lines")], RegisteredUser=user)
    del body["UserConfiguration"]
    return body


def content(world: World, export_id: str) -> bytes:
    (file,) = world.export(export_id).files
    assert file.uri is not None
    bucket, key = file.uri.removeprefix("s3://").split("/", 1)
    return world.session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


@pytest.mark.parametrize(
    "user",
    [{"UserArn": USER_ARN}, {"UserName": "manager-2"}, {"Email": "manager-2@example.org"}],
)
def test_a_registered_users_files_hold_the_rows_of_that_users_customers(
    world: World, user: dict[str, str]
) -> None:
    world.send(request("mine", **user))
    world.driver.run()
    assert world.export("mine").status is Status.COMPLETED, world.export("mine").error
    expected = {f"cust-{number:04}" for number in range(1, 321) if number % 8 + 1 == 2}
    assert customers_in(content(world, "mine"), "CSV") == expected
    operations = [call["operation"] for call in world.ledger()["calls"]]
    assert operations.count("GetIdentityContext") == 1, "credentials serve for some minutes"
    assert {call["outcome"] for call in world.ledger()["calls"]} == {"OK"}


def test_two_users_and_an_anonymous_one_do_not_mix(world: World) -> None:
    world.send(request("two", UserName="manager-2"))
    world.send(request("three", UserName="manager-3"))
    world.send(message("anonymous", customer="cust-0005", groups=[visuals_group("CSV", "lines")]))
    world.driver.run()
    shown = {
        each: customers_in(content(world, each), "CSV") for each in ("two", "three", "anonymous")
    }
    assert shown["anonymous"] == {"cust-0005"}
    assert shown["two"] and shown["three"] and not shown["two"] & shown["three"]


def test_credentials_are_renewed_before_they_end(world: World) -> None:
    world.switch("job_seconds", seconds=2000)
    world.send(request("long", UserName="manager-2"))
    world.driver.run()
    assert world.export("long").status is Status.COMPLETED
    calls = world.ledger()["calls"]
    assert {call["outcome"] for call in calls} == {"OK"}
    assert [call["operation"] for call in calls].count("GetIdentityContext") >= 3


def test_an_unknown_user_fails_with_a_reason_and_frees_the_slot(world: World) -> None:
    world.send(request("nobody", UserName="somebody-else"))
    world.driver.run()
    export = world.export("nobody")
    assert export.status is Status.FAILED
    assert export.error is not None and export.error.code == "ResourceNotFound"
    assert "somebody-else" not in export.error.message
    assert world.services.store.in_flight()[0].running == 0
    assert world.ledger()["jobs"] == []


@pytest.mark.parametrize(
    ("changes", "place", "told"),
    [
        ({"RegisteredUser": {}}, "RegisteredUser", "exactly one of"),
        ({"RegisteredUser": {"UserName": "a", "Email": "b"}}, "RegisteredUser", "exactly one of"),
        ({"RegisteredUser": {"UserArn": USER_ARN, "Namespace": "x"}}, "RegisteredUser", "beside"),
        ({"RegisteredUser": {"UserArn": "me"}}, "RegisteredUser.UserArn", "must match"),
        (
            {"UserConfiguration": {"AnonymousUsers": [{}]}},
            "UserConfiguration",
            "must not stand beside RegisteredUser",
        ),
        ({"RegisteredUser": None}, "UserConfiguration", "is required"),
    ],
)
def test_a_request_names_one_user_in_one_way(
    world: World, changes: dict[str, Any], place: str, told: str
) -> None:
    body = request("wrong", UserName="manager-2") | changes
    assert world.send(body, "message-1") is Status.REJECTED
    (refused,) = world.rejected()
    problems = {item["Place"]: item["Rule"] for item in refused["Reason"]["Problems"]}
    assert told in problems.get(place, ""), problems


def test_credentials_and_contexts_reach_no_store_and_no_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="snapshot-export")
    world.send(request("private", UserName="manager-2"))
    world.driver.run()
    client = world.session.client("dynamodb")
    items = json.dumps(client.scan(TableName=world.settings.table_name)["Items"], default=str)
    lines = " ".join(str(vars(each)) for each in caplog.records if "snapshot_export" in each.name)
    assert "private" in items and "private" in lines
    for secret in ("ASIA", "emulated-session", "emulated-context"):
        assert secret not in items and secret not in lines

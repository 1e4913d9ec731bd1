"""The row-level-security guard: what data sets demand is read, and what breaks it is refused.

What QuickSight does with tags that fulfil no rule is what does harm, showing everything; tests in
which files are made run with the other thing too.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import boto3
import pytest

from local.quicksight import QuickSightServer
from local.quicksight.catalogue import DataSet, TagRule
from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS, SAMPLE_DATA_SETS
from local.quicksight.selection import UnfulfilledTags
from snapshot_export.domain.burst import BurstStatus
from snapshot_export.domain.export import Status
from snapshot_export.errors import NoTurnError, QuickSightUnavailableError
from snapshot_export.flows.burst.work import work_on_burst
from snapshot_export.flows.dashboard.published import KEPT_SECONDS
from snapshot_export.metric import Metric
from snapshot_export.settings import TargetSettings
from tests.support.api import call_api
from tests.support.bursts import (
    burst,
    csv_manifest,
    manifest_of,
    recipient,
    report_of,
)
from tests.support.messages import message, visuals_group
from tests.support.rows import customers_in
from tests.support.world import ACCOUNT, OTHER_REGION, Clock, World

SALES = next(each for each in SAMPLE_DATA_SETS if each.data_set_id == "sales")
CSV = [visuals_group("CSV", "lines")]
EVERYBODY = [{"Key": "customer_id", "Value": "*"}]
TAGS = "UserConfiguration.AnonymousUsers[0].RowLevelPermissionTags"


@pytest.fixture
def world(aws: boto3.Session, shared_clock: Clock, quicksight_server: QuickSightServer) -> World:
    """With a target in another region."""
    own = {"quicksight_account_id": ACCOUNT, "quicksight_region": OTHER_REGION}
    ireland = TargetSettings(**own, snapshot_job_limit=12, reserved_slots=0, calls_per_second=8)
    return World(aws, quicksight_server, shared_clock, {"ireland": ireland})


@pytest.fixture(params=get_args(UnfulfilledTags))
def either_way(request: pytest.FixtureRequest, world: World) -> None:
    world.quicksight.emulator.set_unfulfilled_tags(request.param)


def tagged(export_id: str | None = "e1", /, *tags: tuple[str, str], **more: Any) -> dict[str, Any]:
    body = message(export_id, groups=CSV, **more)
    user = {"RowLevelPermissionTags": [{"Key": key, "Value": value} for key, value in tags]}
    return body | {"UserConfiguration": {"AnonymousUsers": [user if tags else {}]}}


def post(world: World, body: dict[str, Any], path: str = "/exports") -> Any:
    return call_api(world.services, "POST", path, body)


def problems(world: World, body: dict[str, Any], path: str = "/exports") -> list[dict[str, str]]:
    answer = post(world, body, path)
    assert answer.status == 400, answer.body
    found: list[dict[str, str]] = answer.body["Problems"]
    return found


def put(world: World, data_set: DataSet) -> None:
    world.quicksight.emulator.put_data_set(data_set)


def add_data_set(world: World, data_set: DataSet) -> None:
    """Publish sales-overview with a further data set, which none of its visuals shows."""
    put(world, data_set)
    dashboard = next(each for each in SAMPLE_DASHBOARDS if each.dashboard_id == "sales-overview")
    ids = (*dashboard.data_set_ids, data_set.data_set_id)
    world.quicksight.emulator.put_dashboard(replace(dashboard, data_set_ids=ids))


def reads(world: World) -> list[str]:
    names = ("DescribeDashboard", "DescribeDataSet")
    calls = world.ledger()["calls"]
    return [each["operation"] for each in calls if each["operation"] in names]


def wait(world: World, seconds: float = KEPT_SECONDS) -> None:
    world.clock.sleep(seconds)


@pytest.mark.parametrize(
    ("tags", "place", "word"),
    [
        ((), TAGS, "is required"),
        ((("Customer_Id", "cust-0001"),), f"{TAGS}[0].Key", "customer_id, region"),
        ((("region", "EMEA"),), TAGS, "customer_id, or customer_id and region"),
        ((("customer_id", "*"),), f"{TAGS}[0].Value", "AllowMatchAll"),
        ((("customer_id", "cust-0001,cust-0002"),), f"{TAGS}[0].Value", "AllowSeveralValues"),
    ],
    ids=["none", "unknown-key", "too-few", "match-all", "several"],
)
def test_tags_that_could_show_anothers_rows_are_refused_by_place_and_rule(
    world: World, tags: tuple[tuple[str, str], ...], place: str, word: str
) -> None:
    body = tagged("e1", *tags)
    found = problems(world, body)
    assert place in [each["Place"] for each in found]
    assert word in " ".join(each["Rule"] for each in found)
    for key, value in tags:
        assert value not in str(found) and (key in SALES.configurations[1] or key not in str(found))
    assert world.services.store.export("e1") is None

    assert world.send(body) is Status.REJECTED
    (kept,) = world.rejected()
    assert place in [each["Place"] for each in kept["Reason"]["Problems"]]
    assert world.ledger()["jobs"] == []
    assert len(world.measured[Metric.SECURITY_REFUSALS]) == 2


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    ("value", "allowance", "customers"),
    [
        ("*", "AllowMatchAll", 320),
        ("cust-0001,cust-0002", "AllowSeveralValues", 2),
    ],
)
def test_a_request_may_allow_what_shows_several_customers(
    world: World, value: str, allowance: str, customers: int
) -> None:
    body = tagged("e1", ("customer_id", value))
    assert problems(world, body | {allowance: False})
    assert post(world, body | {allowance: True}).status == 202
    world.driver.run()
    export = world.export("e1")
    assert export.status is Status.COMPLETED and export.allows == (allowance,)
    (file,) = export.files
    assert file.uri is not None
    content = world.services.files._client.get_object(
        Bucket=world.settings.export_bucket, Key=file.uri.split("/", 3)[3]
    )["Body"].read()
    assert len(customers_in(content, "CSV")) == customers


def test_a_registered_user_is_not_judged_by_tag_rules(world: World) -> None:
    body = message("e1", groups=CSV, RegisteredUser={"UserName": "manager-1"})
    del body["UserConfiguration"]
    assert post(world, body).status == 202
    assert world.export("e1").allows is None and world.export("e1").warnings == ()


def test_many_exports_of_a_dashboard_are_judged_by_one_reading(world: World) -> None:
    for number in range(6):
        world.send(tagged(f"e{number}", ("customer_id", f"cust-000{number + 1}")))
    assert reads(world) == ["DescribeDashboard", "DescribeDataSet"]
    wait(world)
    world.send(tagged("later", ("customer_id", "cust-0007")))
    assert len(reads(world)) == 4


def test_a_change_that_is_published_is_acted_on_within_the_minute(world: World) -> None:
    body = tagged(None, ("customer_id", "cust-0001"))
    assert post(world, body).status == 202
    put(world, replace(SALES, configurations=(("customer_id", "region"),)))
    wait(world)
    (problem,) = problems(world, body)
    assert "customer_id and region" in problem["Rule"]


def test_a_change_between_acceptance_and_start_fails_the_export_without_a_job(
    world: World,
) -> None:
    world.services.store.change_gate({"limit": 0})
    world.send(tagged("e1", ("customer_id", "cust-0001")))
    put(world, replace(SALES, rules=(), configurations=()))
    wait(world, 3600)
    world.services.store.change_gate({"limit": 12})
    world.driver.run()
    export = world.export("e1")
    assert export.status is Status.FAILED and export.error
    assert export.error.code == "ROW_LEVEL_SECURITY_CHANGED"
    assert "cust-0001" not in export.error.message and "filter nothing" in export.error.message
    assert world.ledger()["jobs"] == []
    gate, attempts = world.services.store.in_flight()
    assert (gate.running, attempts) == (0, ())


def test_an_export_accepted_before_the_guard_is_started(world: World) -> None:
    world.services.store.change_gate({"limit": 0})
    world.send(tagged("e1", ("customer_id", "cust-0001")))
    world.session.client("dynamodb").update_item(
        TableName=world.settings.table_name,
        Key={"pk": {"S": "EXPORT#e1"}, "sk": {"S": "EXPORT"}},
        UpdateExpression="REMOVE allows",
    )
    put(world, replace(SALES, rules=(), configurations=()))
    wait(world, 3600)
    world.services.store.change_gate({"limit": 12})
    world.driver.run()
    assert world.export("e1").status is Status.COMPLETED


def test_what_was_accepted_stays_accepted_when_it_is_delivered_again(world: World) -> None:
    body = tagged("e1", ("customer_id", "cust-0001"))
    assert world.send(body) is Status.QUEUED
    put(world, replace(SALES, rules=(), configurations=()))
    wait(world)
    assert world.send(body) is Status.QUEUED
    assert post(world, body).status == 202
    assert world.rejected() == []
    other = tagged("e1", ("customer_id", "cust-0002"))
    assert world.send(other) is Status.REJECTED


def test_trouble_that_passes_is_no_judgement(world: World) -> None:
    body = tagged("e1", ("customer_id", "cust-0001"))
    for exception in ("ThrottlingException", "InternalFailureException"):
        for operation in ("DescribeDashboard", "DescribeDataSet"):
            world.switch("raise_exception", Operation=operation, Exception=exception)
            assert post(world, body).status == 503
    world.switch(
        "raise_exception", Operation="DescribeDataSet", Exception="InternalFailureException"
    )
    with pytest.raises(QuickSightUnavailableError):
        world.send(body)
    assert world.rejected() == [] and world.services.store.export("e1") is None
    assert world.send(body) is Status.QUEUED


def test_calls_that_get_no_turn_are_left_to_the_next_try(world: World) -> None:
    pacer = world.services.quicksight._pacer
    pacer._reserve_now(world.clock.now(), 0)
    for _ in range(48):
        pacer._reserve_next(world.clock.now(), 60)
    with pytest.raises(NoTurnError):
        world.send(tagged("e1", ("customer_id", "cust-0001")))
    assert reads(world) == []


@pytest.mark.parametrize("lost", ["right", "data set", "dashboard"])
@pytest.mark.parametrize("rule", ["REFUSE", "WARN"])
def test_what_cannot_be_read_is_refused_or_reported_as_the_deployment_says(
    world: World, lost: str, rule: str
) -> None:
    world.services = replace(
        world.services,
        settings=replace(world.settings, unreadable_row_level_security=rule),
    )
    body = tagged("e1", ("customer_id", "cust-0001"))
    if lost == "right":
        world.switch(
            "raise_exception", Operation="DescribeDataSet", Exception="AccessDeniedException"
        )
    elif lost == "data set":
        world.quicksight.emulator.delete_data_set("sales")
    else:
        body["DashboardId"] = "not-there"
    answer = post(world, body)
    if rule == "REFUSE":
        (problem,) = answer.body["Problems"]
        assert answer.status == 400 and problem["Place"] == "DashboardId"
        assert "could not be read" in problem["Rule"] and "was refused" in problem["Rule"]
    else:
        assert answer.status == 202
        (warning,) = answer.body["Warnings"]
        assert warning["Code"] == "ROW_LEVEL_SECURITY_UNREADABLE"
        shown = call_api(world.services, "GET", "/exports/e1").body
        assert shown["Warnings"] == [warning]
    assert world.measured[Metric.SECURITY_UNREADABLE]


def test_a_right_that_is_given_helps_at_once(world: World) -> None:
    world.switch("raise_exception", Operation="DescribeDataSet", Exception="AccessDeniedException")
    body = tagged("e1", ("customer_id", "cust-0001"))
    assert problems(world, body)
    assert post(world, body).status == 202


@pytest.mark.usefixtures("either_way")
def test_wrong_recipients_are_refused_by_line_and_the_others_go_on(world: World) -> None:
    lines = ["RecipientId,tag:customer_id", "a,cust-0001", "b,*", '"c","cust-0002,cust-0003"']
    manifest = csv_manifest(world, "\n".join(lines) + "\n")
    assert post(world, burst("b1", Manifest=manifest), "/bursts").status == 202
    world.driver.run()
    answer = call_api(world.services, "GET", "/bursts/b1").body
    assert answer["Counts"]["Completed"] == 1
    assert [(each["Line"], each["Problems"][0]["Place"]) for each in answer["Refusals"]] == [
        (3, "tag:customer_id"),
        (4, "tag:customer_id"),
    ]
    rules = [each["Problems"][0]["Rule"] for each in answer["Refusals"]]
    assert "AllowMatchAll" in rules[0] and "AllowSeveralValues" in rules[1]
    assert len(reads(world)) == 2, "read once, not for each recipient"


def test_a_burst_may_allow_what_its_template_does_not(world: World) -> None:
    body = burst("b1", [recipient(1), everybody()], AllowMatchAll=True)
    world.send({"Burst": body})
    world.driver.run()
    found = world.services.bursts.find("b1")
    assert found and (found.completed, found.refused) == (2, 0)


def everybody() -> dict[str, Any]:
    return recipient(0, RowLevelPermissionTags=EVERYBODY)


def test_inline_recipients_are_refused_at_their_own_member(world: World) -> None:
    unknown = recipient(1, RowLevelPermissionTags=[{"Key": "customer", "Value": "cust-0001"}])
    world.send({"Burst": burst("b1", [unknown, everybody()])})
    world.driver.run()
    first, second = world.services.bursts.refusals("b1")
    assert [each.place for each in first.problems] == [
        "RowLevelPermissionTags[0].Key",
        "RowLevelPermissionTags",
    ]
    assert [each.place for each in second.problems] == ["RowLevelPermissionTags[0].Value"]


def test_the_template_is_judged_when_all_see_its_rows(world: World) -> None:
    same = {"SameRowsForAll": True}
    for user in ({}, {"RowLevelPermissionTags": EVERYBODY}):
        body = burst("b1", [{"RecipientId": "a"}], **same)
        body["Template"]["UserConfiguration"] = {"AnonymousUsers": [user]}
        (problem,) = problems(world, body, "/bursts")
        assert problem["Place"].startswith(f"Template.{TAGS}")
    assert world.services.bursts.find("b1") is None


@pytest.mark.parametrize("status", ["none", "DISABLED"])
def test_a_data_set_without_tag_rules_is_reported_wherever_the_burst_is(
    world: World, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    events: list[dict[str, Any]] = []
    client: Any = world.services.events._client
    real = client.put_events

    def put_events(Entries: list[dict[str, Any]]) -> Any:
        events.extend(json.loads(entry["Detail"]) for entry in Entries)
        return real(Entries=Entries)

    monkeypatch.setattr(client, "put_events", put_events)
    rules = (TagRule("customer_id", "customer_id"),) if status == "DISABLED" else ()
    add_data_set(world, DataSet("targets", "Targets", rules, status="DISABLED"))
    answer = post(world, burst("b1", [recipient(1)]), "/bursts")
    warning = {"Code": "DATA_SET_WITHOUT_TAG_RULES", "Resource": "dataset/targets"}
    assert answer.status == 202
    (shown,) = answer.body["Warnings"]
    assert {name: shown[name] for name in warning} == warning
    world.driver.run()
    assert call_api(world.services, "GET", "/bursts/b1").body["Warnings"] == [shown]
    assert manifest_of(world, "b1")["Warnings"] == [shown]
    assert shown["Message"] in report_of(world, "b1")
    assert [event["Warnings"] for event in events if "Counts" in event] == [[warning]]


@pytest.mark.usefixtures("either_way")
def test_a_dashboard_without_any_tag_rule_refuses_those_who_bring_tags(world: World) -> None:
    put(world, replace(SALES, status="DISABLED"))
    answer = post(world, burst("b1", [recipient(1)]), "/bursts")
    assert [each["Resource"] for each in answer.body["Warnings"]] == ["dataset/sales"]
    same = burst("b2", [{"RecipientId": "a"}], SameRowsForAll=True)
    assert post(world, same, "/bursts").body["Warnings"] == []
    world.driver.run()
    found = {name: world.services.bursts.find(name) for name in ("b1", "b2")}
    assert {name: (each.refused, each.completed) for name, each in found.items() if each} == {
        "b1": (1, 0),
        "b2": (0, 1),
    }


def test_a_burst_whose_dashboard_can_no_longer_be_read_ends_with_its_reason(world: World) -> None:
    assert post(world, burst("b1", [recipient(1)]), "/bursts").status == 202
    world.quicksight.emulator.delete_data_set("sales")
    wait(world)
    world.driver.run()
    found = world.services.bursts.find("b1")
    assert found and found.status is BurstStatus.FAILED and found.error
    assert found.error.code == "ROW_LEVEL_SECURITY_UNREADABLE"


def test_an_expansion_that_quicksight_is_too_busy_for_is_repeated(world: World) -> None:
    world.send({"Burst": burst("b1", [recipient(1), recipient(2)])})
    wait(world)
    world.switch("raise_exception", Operation="DescribeDashboard", Exception="ThrottlingException")
    (asked,) = world.burst_queue.sent
    with pytest.raises(Exception, match="Throttling"):
        work_on_burst(world.services, *asked, stop_at=world.clock.now() + 600)
    world.driver.run()
    found = world.services.bursts.find("b1")
    assert found and (found.completed, found.refused) == (2, 0)


def test_another_targets_dashboards_are_read_in_its_region(world: World) -> None:
    emulator = world.quicksight.emulator
    emulator.put_data_set(replace(SALES, status="DISABLED"), (ACCOUNT, OTHER_REGION))
    body = tagged("e1", ("customer_id", "cust-0001"))
    assert post(world, body | {"Target": "ireland"}).status == 400
    assert post(world, body).status == 202


def test_a_schedules_request_is_judged_when_it_occurs(world: World) -> None:
    occurrence = {
        "Schedule": "daily",
        "Timezone": "UTC",
        "Occurrence": "2027-01-15T06:00:00Z",
        "Export": tagged(None, ("customer_id", "*")),
    }
    assert world.send(occurrence) is Status.REJECTED
    (kept,) = world.rejected()
    assert kept["Reason"]["Problems"][0]["Place"] == f"Export.{TAGS}[0].Value"

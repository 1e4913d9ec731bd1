"""Schedules through the API, and what their occurrences become."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from snapshot_export.domain.export import Status
from snapshot_export.domain.schedule import Schedule
from tests.support.api import call_api
from tests.support.messages import message
from tests.support.world import World


def schedule(**changes: Any) -> dict[str, Any]:
    return {
        "ScheduleExpression": "cron(0 6 ? * MON-FRI *)",
        "ScheduleExpressionTimezone": "America/New_York",
        "FlexibleTimeWindowMinutes": 10,
        "Export": message(None, Name="daily/{date:%Y-%m-%d}"),
    } | changes


def sent_by(world: World, name: str, at: str) -> dict[str, Any]:
    """The message that the Scheduler sends at an occurrence."""
    made = world.session.client("scheduler").get_schedule(
        GroupName=world.settings.schedule_group, Name=name
    )
    text = made["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", at)
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_schedule_made_through_the_api_is_the_schedulers_with_zone_window_and_occurrence(
    world: World,
) -> None:
    answer = call_api(world.services, "PUT", "/schedules/morning", schedule())
    assert answer.status == 200
    made = world.session.client("scheduler").get_schedule(
        GroupName=world.settings.schedule_group, Name="morning"
    )
    assert made["ScheduleExpressionTimezone"] == "America/New_York"
    assert made["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 10}
    target = made["Target"]
    assert target["Arn"] == world.settings.schedule_queue_arn
    assert target["RoleArn"] == world.settings.schedule_role_arn
    assert target["DeadLetterConfig"]["Arn"] == world.settings.schedule_dead_letter_arn
    assert json.loads(target["Input"])["Occurrence"] == "<aws.scheduler.scheduled-time>"


def test_a_schedule_is_shown_changed_listed_and_deleted(world: World) -> None:
    assert call_api(world.services, "GET", "/schedules/morning").status == 404
    for name in ("morning", "evening"):
        call_api(world.services, "PUT", f"/schedules/{name}", schedule())
    changed = schedule(State="DISABLED", FlexibleTimeWindowMinutes=0)
    assert call_api(world.services, "PUT", "/schedules/morning", changed).status == 200
    shown = call_api(world.services, "GET", "/schedules/morning").body
    assert shown["State"] == "DISABLED" and shown["FlexibleTimeWindowMinutes"] == 0
    assert shown["Export"] == changed["Export"] and shown["Burst"] is None
    assert shown["Declared"] is False
    listed = call_api(world.services, "GET", "/schedules").body["Schedules"]
    assert {item["Name"] for item in listed} == {"morning", "evening"}
    assert not [item for item in listed if "Export" in item], "the list has no requests"
    assert call_api(world.services, "DELETE", "/schedules/morning").body == {"Name": "morning"}
    assert call_api(world.services, "DELETE", "/schedules/morning").status == 404
    assert call_api(world.services, "GET", "/schedules/a%20b").status == 404


def test_a_wrong_schedule_is_400_with_field_place_and_rule(world: World) -> None:
    wrong = schedule(Export=message("has-id"), ScheduleExpression="daily")
    answer = call_api(world.services, "PUT", "/schedules/morning", wrong)
    assert answer.status == 400
    (problem,) = answer.body["Problems"]
    assert problem["Field"] == problem["Place"] == "ScheduleExpression"
    answer = call_api(world.services, "PUT", "/schedules/morning", schedule(Export={}))
    assert "Export.DashboardId" in [problem["Place"] for problem in answer.body["Problems"]]
    assert call_api(world.services, "PUT", "/schedules/morning", "nonsense").status == 400
    assert call_api(world.services, "GET", "/schedules/morning").status == 404


def test_a_declared_schedule_is_shown_and_not_changed(world: World) -> None:
    call_api(world.services, "PUT", "/schedules/morning", schedule())
    client = world.session.client("scheduler")
    group = world.settings.schedule_group
    made = client.get_schedule(GroupName=group, Name="morning")
    client.update_schedule(
        GroupName=group,
        Name="morning",
        Description=f"{Schedule.DECLARED}morning.json",
        FlexibleTimeWindow=made["FlexibleTimeWindow"],
        ScheduleExpression=made["ScheduleExpression"],
        Target=made["Target"],
    )
    assert call_api(world.services, "GET", "/schedules/morning").body["Declared"] is True
    for method in ("PUT", "DELETE"):
        answer = call_api(world.services, method, "/schedules/morning", schedule())
        assert answer.status == 409
        assert answer.body["Code"] == "DECLARED_SCHEDULE"


def test_one_occurrence_runs_once_however_often_it_is_delivered(world: World) -> None:
    call_api(world.services, "PUT", "/schedules/morning", schedule())
    occurrence = sent_by(world, "morning", "2026-11-23T03:00:00Z")
    assert world.send(occurrence, "delivery-1") is Status.QUEUED
    world.clock.sleep(100)
    assert world.send(occurrence, "delivery-2") is Status.QUEUED
    world.driver.run()
    assert world.send(sent_by(world, "morning", "2026-11-24T03:00:00Z")) is Status.QUEUED
    world.driver.run()
    assert len(world.ledger()["jobs"]) == 2
    (file,) = world.export("morning-20261123T030000Z").files
    bucket = world.settings.export_bucket
    day_in_new_york = "daily/2026-11-22.pdf"
    assert file.uri == f"s3://{bucket}/exports/morning-20261123T030000Z/{day_in_new_york}"


def test_an_occurrence_whose_request_went_wrong_is_kept_with_its_place(world: World) -> None:
    occurrence = {
        "Schedule": "morning",
        "Occurrence": "2026-11-23T06:00:00Z",
        "Timezone": "UTC",
        "Export": message(None, Priority=99),
    }
    assert world.send(occurrence, "delivery-1") is Status.REJECTED
    assert world.export("morning-20261123T060000Z").status is Status.REJECTED
    (refused,) = world.rejected()
    assert refused["Reason"]["Problems"][0]["Place"] == "Export.Priority"
    nested = occurrence | {"Export": occurrence}
    assert world.send(nested, "delivery-2") is Status.REJECTED


def test_a_scheduled_burst_is_a_burst_of_its_occurrence(world: World) -> None:
    template = message(None, Name="{recipient}/{date:%Y}")
    template.pop("UserConfiguration")
    tags = [{"Key": "customer_id", "Value": "cust-0001"}]
    burst = {
        "Template": template,
        "Recipients": [{"RecipientId": "ada", "RowLevelPermissionTags": tags}],
    }
    body = schedule(Export=None, Burst=burst)
    body.pop("Export")
    assert call_api(world.services, "PUT", "/schedules/people", body).status == 200
    world.send(sent_by(world, "people", "2026-11-23T06:00:00Z"))
    world.driver.run()
    (file,) = world.export("people-20261123T060000Z-1").files
    assert file.uri is not None
    assert file.uri.endswith("/exports/people-20261123T060000Z/ada/2026.pdf")


def test_what_a_schedule_carries_reaches_no_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    secret = "cust-0007-secret"
    call_api(world.services, "PUT", "/schedules/s", schedule(Export=message(None, customer=secret)))
    call_api(world.services, "GET", "/schedules/s")
    world.send(sent_by(world, "s", "2026-11-23T06:00:00Z"))
    call_api(world.services, "PUT", "/schedules/s", schedule(Export={"Priority": secret}))
    call_api(world.services, "DELETE", "/schedules/s")
    lines = [str(vars(record)) for record in caplog.records if "snapshot" in record.name]
    assert lines and not [line for line in lines if secret in line]


def test_a_schedule_whose_start_has_passed_is_shown_and_changed_as_before(world: World) -> None:
    begin = datetime.fromtimestamp(world.clock.now() + 3600, UTC)
    dated = schedule(StartDate=begin.isoformat())
    shown = call_api(world.services, "PUT", "/schedules/morning", dated).body
    assert scheduled(world, "morning")["StartDate"] == begin
    world.clock.time += 30 * 86_400
    later = call_api(world.services, "GET", "/schedules/morning").body
    assert later == shown | {"StartsAt": later["StartsAt"]}
    assert later["StartsAt"] > shown["StartsAt"], "the next one"
    changed = schedule(StartDate=shown["StartDate"], FlexibleTimeWindowMinutes=0)
    answer = call_api(world.services, "PUT", "/schedules/morning", changed)
    assert answer.status == 200, answer.body
    assert "StartDate" not in scheduled(world, "morning")
    assert answer.body == later | {"FlexibleTimeWindowMinutes": 0}
    assert call_api(world.services, "GET", "/schedules/morning").body == answer.body


def test_a_rate_whose_start_has_passed_keeps_its_times(world: World) -> None:
    begin = datetime.fromtimestamp(world.clock.now() - 7.5 * 3600, UTC)
    body = schedule(ScheduleExpression="rate(2 hours)", StartDate=begin.isoformat())
    answer = call_api(world.services, "PUT", "/schedules/steady", body)
    assert answer.status == 200, answer.body
    assert scheduled(world, "steady")["StartDate"] == begin + timedelta(hours=8)
    assert answer.body["StartDate"] == begin.isoformat().replace("+00:00", "Z")


def test_a_schedule_that_has_ended_never_occurs_again_whoever_puts_it(world: World) -> None:
    end = datetime.fromtimestamp(world.clock.now() + 60, UTC)
    body = schedule(EndDate=end.isoformat())
    assert call_api(world.services, "PUT", "/schedules/over", body).body["State"] == "ENABLED"
    world.clock.time += 120
    answer = call_api(world.services, "PUT", "/schedules/over", body)
    assert answer.status == 200, answer.body
    assert answer.body["EndDate"] and answer.body["State"] == "DISABLED"
    assert answer.body["Warnings"] == [
        "EndDate has passed: nothing occurs, and the schedule is disabled"
    ]
    kept = scheduled(world, "over")
    assert kept["State"] == "DISABLED" and "EndDate" not in kept
    assert call_api(world.services, "GET", "/schedules/over").body == answer.body


def test_times_that_summer_time_skips_or_doubles_are_warned_of(world: World) -> None:
    world.clock.time = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
    body = schedule(
        ScheduleExpression="cron(30 2 * * ? *)", ScheduleExpressionTimezone="Europe/Berlin"
    )
    skipped = (
        "2027-03-28: 02:30 does not exist in Europe/Berlin, whose clocks go on to 03:00: "
        "the occurrence is skipped"
    )
    doubled = (
        "2027-10-31: 02:30 exists twice in Europe/Berlin, whose clocks go back to 02:00: "
        "it occurs once, at one of the two"
    )
    answer = call_api(world.services, "PUT", "/schedules/night", body)
    assert answer.status == 200 and answer.body["Warnings"] == [skipped, doubled]
    assert call_api(world.services, "GET", "/schedules/night").body["Warnings"] == [
        skipped,
        doubled,
    ]
    (listed,) = call_api(world.services, "GET", "/schedules").body["Schedules"]
    assert listed["Warnings"] == [skipped, doubled]
    assert call_api(world.services, "PUT", "/schedules/day", schedule()).body["Warnings"] == []
    body = body | {"ReadyBy": {"Time": "02:30"}, "FlexibleTimeWindowMinutes": 0}
    body.pop("ScheduleExpression")
    answer = call_api(world.services, "PUT", "/schedules/ready", body)
    assert [text.partition(": it will")[2] for text in answer.body["Warnings"]] == [
        " be ready by 03:30",
        " be ready by the first",
    ]


def scheduled(world: World, name: str) -> dict[str, Any]:
    """What the Scheduler has; members without a value are not there."""
    found: Any = world.session.client("scheduler").get_schedule(
        GroupName=world.settings.schedule_group, Name=name
    )
    return {member: value for member, value in found.items() if value is not None}

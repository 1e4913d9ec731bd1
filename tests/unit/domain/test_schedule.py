"""A schedule is checked with its request; an occurrence becomes a request with an id and dates."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from snapshot_export.domain.occurrence import SCHEDULED_TIME, claimed_occurrence_id, read_occurrence
from snapshot_export.domain.problem import InvalidRequestError
from snapshot_export.domain.schedule import (
    Schedule,
    ScheduleTarget,
    check_schedule,
    dates_in,
    scheduler_request,
)
from snapshot_export.domain.target import Target, Targets
from tests.support.messages import message

TARGETS = Targets(
    Target(
        account_id="1" * 12, region="eu-west-1", export_bucket="own", allowed_buckets=frozenset()
    )
)
PLACE = ScheduleTarget(group="g", role_arn="role", queue_arn="queue", dead_letter_arn="dlq")
SENT = 1_795_413_600.0
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)


def body(**changes: Any) -> dict[str, Any]:
    base = {
        "ScheduleExpression": "cron(0 6 ? * MON-FRI *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "FlexibleTimeWindowMinutes": 15,
        "Export": message(None, Name="sales/{date:%Y-%m}/{sheet}"),
    }
    return {name: value for name, value in (base | changes).items() if value is not ...}


def problems(data: dict[str, Any], name: str = "morning") -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as refused:
        check_schedule(data, TARGETS, name)
    return {problem.place: problem.rule for problem in refused.value.problems}


def test_the_scheduler_is_told_zone_window_and_occurrence() -> None:
    schedule = check_schedule(body(StartDate="2026-12-01T00:00:00+01:00"), TARGETS, "morning")
    request = scheduler_request(schedule, PLACE, NOW)
    assert request["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert request["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    assert request["StartDate"].isoformat() == "2026-12-01T00:00:00+01:00"
    assert "EndDate" not in request
    assert request["Target"]["DeadLetterConfig"] == {"Arn": "dlq"}
    sent = json.loads(request["Target"]["Input"])
    assert sent == {
        "Schedule": "morning",
        "Occurrence": "<aws.scheduler.scheduled-time>",
        "Timezone": "Europe/Berlin",
        "Export": body()["Export"],
    }
    exact = check_schedule(body(FlexibleTimeWindowMinutes=0), TARGETS, "morning")
    assert scheduler_request(exact, PLACE, NOW)["FlexibleTimeWindow"] == {"Mode": "OFF"}


@pytest.mark.parametrize(
    ("changes", "place", "told"),
    [
        ({"ScheduleExpression": "daily"}, "ScheduleExpression", "must be rate"),
        ({"ScheduleExpressionTimezone": "Mars"}, "ScheduleExpressionTimezone", "time zone"),
        ({"FlexibleTimeWindowMinutes": 1441}, "FlexibleTimeWindowMinutes", "1440"),
        ({"State": "ON"}, "State", "must match"),
        ({"StartDate": "tomorrow"}, "StartDate", "ISO 8601"),
        ({"Export": ...}, "", "either Export or Burst"),
        ({"Name": "evening"}, "Name", "must be morning"),
        ({"Export": message("my-id")}, "Export.ExportId", "id of its own"),
        (
            {"Export": message(None, Deadline="2026-12-01T00:00:00Z")},
            "Export.Deadline",
            "the same for every occurrence",
        ),
        ({"Export": {}}, "Export.DashboardId", "is required"),
        ({"Export": message(None, Name="{date:%c}")}, "Export.Name", "must write dates"),
        ({"Export": message(None, Name="{recipient}")}, "Export.Name", "does not have"),
        ({"Color": "red"}, "Color", "not a member"),
    ],
)
def test_a_wrong_schedule_is_refused_with_place_and_rule(
    changes: dict[str, Any], place: str, told: str
) -> None:
    found = problems(body(**changes))
    assert told in found.get(place, ""), found


def test_names_that_would_not_fit_an_id_are_refused() -> None:
    assert "Name" in problems(body(), "x" * 31)
    assert "Name" in problems(body(), "a.b")


def sent_message(occurrence: str = "2026-11-23T05:30:00Z", **more: Any) -> dict[str, Any]:
    export = message(None, Name="{date:%d.%m.}/{export} {date}")
    export["SnapshotConfiguration"]["Parameters"] = {
        "StringParameters": [{"Name": "{date}", "Values": ['{"q": {date}}', "{other}"]}],
        "DateTimeParameters": [{"Name": "AsOf", "Values": ["{date:%Y-%m-%dT%H:%M:%S}"]}],
    }
    return {
        "Schedule": "morning",
        "Occurrence": occurrence,
        "Timezone": "Pacific/Auckland",
        "Export": export,
        **more,
    }


def test_an_occurrence_has_an_id_of_its_time_and_dates_in_the_schedules_zone() -> None:
    found = read_occurrence(sent_message(), message_id="m-1", sent_at=SENT)
    assert found.request_id == found.body["ExportId"] == "morning-20261123T053000Z"
    assert found.body["Name"] == "23.11./{export} 2026-11-23"
    parameters = found.body["SnapshotConfiguration"]["Parameters"]
    (text,) = parameters["StringParameters"]
    assert text == {"Name": "{date}", "Values": ['{"q": 2026-11-23}', "{other}"]}
    assert parameters["DateTimeParameters"][0]["Values"] == ["2026-11-23T18:30:00"]
    again = read_occurrence(sent_message(), message_id="m-2", sent_at=SENT + 50)
    assert again == found, "another delivery is the same request"


def test_where_the_time_was_not_put_in_the_message_is_the_occurrence() -> None:
    first, again, other = (
        read_occurrence(sent_message(SCHEDULED_TIME), message_id=message_id, sent_at=SENT)
        for message_id in ("8e0c5a52-5a5c-4d1b-9d7e-1", "8e0c5a52-5a5c-4d1b-9d7e-1", "9f-2")
    )
    assert first == again
    assert first.request_id == "morning-8e0c5a525a5c4d1b9"
    assert other.request_id != first.request_id
    assert first.body["Name"].endswith("2026-11-23")


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"Occurrence": "noon"}, "Occurrence"),
        ({"Timezone": "Mars"}, "Timezone"),
        ({"Export": None}, ""),
        ({"Schedule": "a/b"}, "Schedule"),
        ({"Export": {"Name": "{date:%q}"}}, "Export.Name"),
    ],
)
def test_a_message_that_is_none_of_ours_is_refused(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read_occurrence(sent_message(**changes), message_id="m", sent_at=SENT)
    assert [problem.place for problem in refused.value.problems] == [place]


def test_a_refused_occurrence_is_still_found_under_its_id() -> None:
    claimed = claimed_occurrence_id(sent_message(), message_id="m", sent_at=SENT)
    assert claimed == "morning-20261123T053000Z"
    assert claimed_occurrence_id({"Schedule": 1}, message_id="m", sent_at=SENT) is None


def test_the_dates_of_a_burst_reach_template_recipients_and_manifest() -> None:
    burst = {
        "Template": {"Name": "{recipient}/{date}", "UserConfiguration": {"Name": "{date}"}},
        "Recipients": [{"Name": "{date:%Y}", "Tags": {"Name": "{date}"}}],
        "Manifest": {"S3Uri": "s3://bucket/{date:%Y/%m}/people.csv"},
    }
    data = sent_message() | {"Export": None, "Burst": burst}
    found = read_occurrence(data, message_id="m", sent_at=SENT)
    assert found.body == {
        "BurstId": "morning-20261123T053000Z",
        "Template": {"Name": "{recipient}/2026-11-23", "UserConfiguration": {"Name": "{date}"}},
        "Recipients": [{"Name": "2026", "Tags": {"Name": "{date}"}}],
        "Manifest": {"S3Uri": "s3://bucket/2026/11/people.csv"},
    }


def test_a_schedule_names_no_manifest_that_expires() -> None:
    def with_manifest(key: str) -> dict[str, Any]:
        template = {name: value for name, value in message(None).items() if name != "Name"}
        manifest = {"S3Uri": f"s3://own/{key}", "Format": "CSV"}
        return body(Export=..., Burst={"Template": template, "Manifest": manifest})

    refused = problems(with_manifest("manifests/uploads/monday.csv"))
    assert refused == {
        "Burst.Manifest.S3Uri": "must not be under manifests/uploads/, whose objects expire"
    }
    assert check_schedule(with_manifest("manifests/monday.csv"), TARGETS, "morning")


def test_a_declared_schedule_says_so() -> None:
    schedule = check_schedule(body(), TARGETS, "morning")
    assert isinstance(schedule, Schedule)
    assert scheduler_request(schedule, PLACE, NOW)["Description"] == "Made by the API"


def test_dates_that_have_passed_are_not_sent_and_are_read_back_from_the_description() -> None:
    begin, end = "2026-12-01T00:00:00+01:00", "2026-12-31T00:00:00+01:00"
    schedule = check_schedule(body(StartDate=begin, EndDate=end), TARGETS, "morning")
    sent = [
        {"StartDate", "EndDate", "ENABLED"},
        {"EndDate", "ENABLED"},
        {"DISABLED"},
    ]
    for moment, members in zip(("2026-11-30T23:00:00+01:00", begin, end), sent, strict=True):
        request = scheduler_request(schedule, PLACE, datetime.fromisoformat(moment))
        dates = {"StartDate", "EndDate"} & set(request)
        assert dates | {request["State"]} == members
        assert dates_in(request["Description"]) == {
            "StartDate": datetime.fromisoformat(begin),
            "EndDate": datetime.fromisoformat(end),
        }
        assert len(request["Description"]) <= 512


def test_a_rate_is_sent_the_next_of_its_times() -> None:
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    for expression, expected in (
        ("rate(2 days)", datetime(2026, 11, 25, tzinfo=UTC)),
        ("rate(36 hours)", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("rate(999999999 days)", None),
    ):
        data = body(ScheduleExpression=expression, StartDate=begin.isoformat())
        schedule = check_schedule(data, TARGETS, "morning")
        assert scheduler_request(schedule, PLACE, NOW).get("StartDate") == expected

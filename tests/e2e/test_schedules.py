"""Schedules on the embedded account: made through the API, fired by its Scheduler.

The embedded Scheduler ignores time zones and leaves `<aws.scheduler.scheduled-time>` as it is, so
those are asserted in what the Scheduler was told; tests/infra asserts them in the template.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from local.deployed import Deployed
from tests.support.deployed_api import call_api
from tests.support.messages import message
from tests.support.rows import customers_in

FIRES_WITHIN = 40.0
"""The embedded Scheduler looks every 10 s."""


def wait_for_key(deployed: Deployed, prefix: str) -> str:
    deadline = time.monotonic() + FIRES_WITHIN
    while time.monotonic() < deadline:
        listed = deployed.client("s3").list_objects_v2(
            Bucket=deployed.outputs["ExportBucketName"], Prefix=prefix
        )
        if listed.get("Contents"):
            key: str = listed["Contents"][0]["Key"]
            return key
        time.sleep(0.3)
    raise TimeoutError(f"nothing under {prefix} after {FIRES_WITHIN} s")


def test_a_schedule_made_through_the_api_fires_and_its_file_appears(deployed: Deployed) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    body = {
        "ScheduleExpression": f"at({soon:%Y-%m-%dT%H:%M:%S})",
        "FlexibleTimeWindowMinutes": 5,
        "Export": message(None, customer="cust-0017", Name="{date:%Y-%m-%d}/{sheet}"),
    }

    made = call_api(deployed, "PUT", "/schedules/fires-once", body)

    assert made["ScheduleExpressionTimezone"] == "UTC" and made["Export"] == body["Export"]
    key = wait_for_key(deployed, "exports/fires-once-")
    today = {f"{soon + timedelta(days=days):%Y-%m-%d}" for days in (0, 1)}
    _, export_id, day, name = key.split("/")
    assert day in today and name == "summary.pdf"
    assert deployed.wait_for_export(export_id)["status"] == "COMPLETED"
    content = deployed.client("s3").get_object(
        Bucket=deployed.outputs["ExportBucketName"], Key=key
    )["Body"]
    assert customers_in(content.read(), "PDF") == {"cust-0017"}
    listed = call_api(deployed, "GET", "/schedules")["Schedules"]
    assert "fires-once" in [each["Name"] for each in listed]
    call_api(deployed, "DELETE", "/schedules/fires-once")


def test_the_scheduler_is_told_zone_window_and_occurrence_and_an_occurrence_runs_once(
    deployed: Deployed,
) -> None:
    body = {
        "ScheduleExpression": "cron(0 6 ? * MON-FRI *)",
        "ScheduleExpressionTimezone": "Pacific/Auckland",
        "FlexibleTimeWindowMinutes": 30,
        "Export": message(None, Name="{date}"),
    }
    call_api(deployed, "PUT", "/schedules/weekdays", body)

    told = deployed.client("scheduler").get_schedule(
        GroupName=deployed.outputs["ScheduleGroupName"], Name="weekdays"
    )

    assert told["ScheduleExpressionTimezone"] == "Pacific/Auckland"
    assert told["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 30}
    text = told["Target"]["Input"]
    assert json.loads(text)["Occurrence"] == "<aws.scheduler.scheduled-time>"
    occurrence = text.replace("<aws.scheduler.scheduled-time>", "2026-11-22T17:00:00Z")
    deployed.send(occurrence, occurrence)
    deployed.send(occurrence)
    export = deployed.wait_for_export("weekdays-20261122T170000Z")
    assert export["status"] == "COMPLETED"
    assert export["files"][0]["uri"].endswith("/exports/weekdays-20261122T170000Z/2026-11-23.pdf")
    jobs = [job["SnapshotJobId"] for job in deployed.ledger()["jobs"]]
    assert len([job for job in jobs if job.startswith("weekdays-")]) == 1
    call_api(deployed, "DELETE", "/schedules/weekdays")


@pytest.mark.nightly
def test_occurrences_of_the_last_days_run_by_hand_once(deployed: Deployed) -> None:
    body = {
        "ScheduleExpression": "cron(0 0 * * ? *)",
        "State": "DISABLED",
        "Export": message(None, Name="{date}"),
    }
    call_api(deployed, "PUT", "/schedules/by-hand", body)
    today = datetime.now(UTC).date()
    days = [f"{today - timedelta(days=back)}" for back in (2, 1)]

    first = call_api(deployed, "POST", "/schedules/by-hand/run", {"From": days[0], "To": days[1]})
    again = call_api(deployed, "POST", "/schedules/by-hand/run", {"At": days[1]})

    ids = [each["Id"] for each in first["Occurrences"]]
    assert [each["New"] for each in first["Occurrences"]] == [True, True]
    assert [(each["Id"], each["New"]) for each in again["Occurrences"]] == [(ids[1], False)]
    for export_id, day in zip(ids, days, strict=True):
        export = deployed.wait_for_export(export_id)
        assert export["status"] == "COMPLETED"
        assert export["files"][0]["uri"].endswith(f"/{export_id}/{day}.pdf")
    call_api(deployed, "DELETE", "/schedules/by-hand")


def test_an_export_for_a_registered_user_shows_that_users_rows(deployed: Deployed) -> None:
    body = message("of-a-user", RegisteredUser={"UserName": "manager-3"})
    del body["UserConfiguration"]
    deployed.send(body)

    export = deployed.wait_for_export("of-a-user")

    assert export["status"] == "COMPLETED", export.get("error")
    bucket, key = export["files"][0]["uri"].removeprefix("s3://").split("/", 1)
    content = deployed.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert "cust-0002" in customers_in(content, "PDF")
    assert "cust-0001" not in customers_in(content, "PDF")

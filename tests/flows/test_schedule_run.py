"""A schedule that is run by hand: now, for an occurrence that was missed, or for some days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from snapshot_export.domain.export import Status
from snapshot_export.domain.schedule_run import MAX_OCCURRENCES
from tests.flows.test_schedules import schedule, sent_by
from tests.support.api import Answered, call_api
from tests.support.bursts import csv_manifest, template
from tests.support.messages import message
from tests.support.world import World

MONDAY = datetime(2026, 11, 23, 15, 30, 0, 250_000, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _monday(world: World) -> None:
    world.clock.time = MONDAY.timestamp()


def put(world: World, **changes: Any) -> None:
    """At six on weekdays in New York: 11:00 UTC in November."""
    body = schedule(**changes)
    answer = call_api(world.services, "PUT", "/schedules/morning", body)
    assert answer.status == 200, answer.body


def run(world: World, **body: Any) -> Answered:
    return call_api(world.services, "POST", "/schedules/morning/run", body)


def ids(answer: Answered) -> dict[str, bool]:
    assert answer.status == 202, answer.body
    return {each["Id"]: each["New"] for each in answer.body["Occurrences"]}


def problem(answer: Answered) -> tuple[str, str]:
    assert answer.status == 400
    (found,) = answer.body["Problems"]
    return found["Place"], found["Rule"]


def test_now_is_an_occurrence_of_its_own(world: World) -> None:
    put(world)
    assert ids(run(world)) == {"morning-20261123T153000Z": True}
    assert ids(run(world, At="2026-11-23T15:30:00Z")) == {"morning-20261123T153000Z": False}
    world.driver.run()
    (file,) = world.export("morning-20261123T153000Z").files
    assert file.uri and file.uri.endswith("/daily/2026-11-23.pdf")
    assert len(world.ledger()["jobs"]) == 1


def test_a_missed_occurrence_has_its_own_id_and_date_and_runs_once(world: World) -> None:
    put(world)
    missed = run(world, At="2026-11-20")
    assert missed.body == {
        "Name": "morning",
        "Kind": "Export",
        "Occurrences": [
            {
                "Id": "morning-20261120T110000Z",
                "At": "2026-11-20T11:00:00Z",
                "New": True,
                "StatusPath": "/exports/morning-20261120T110000Z",
            }
        ],
    }
    late = sent_by(world, "morning", "2026-11-20T11:00:00Z")
    assert world.send(late, "late") is Status.QUEUED, "the Scheduler's comes after all"
    world.driver.run()
    assert ids(run(world, At="2026-11-20T06:00:00-05:00")) == {"morning-20261120T110000Z": False}
    assert len(world.ledger()["jobs"]) == 1 and world.rejected() == []
    (file,) = world.export("morning-20261120T110000Z").files
    assert file.uri and file.uri.endswith("/daily/2026-11-20.pdf")


def test_what_the_scheduler_ran_is_not_run_again_although_the_schedule_was_changed(
    world: World,
) -> None:
    put(world)
    world.send(sent_by(world, "morning", "2026-11-23T11:00:00Z"))
    put(world, Export=message(None, Name="other/{date}"))
    assert ids(run(world, At="2026-11-23")) == {"morning-20261123T110000Z": False}
    world.driver.run()
    assert len(world.ledger()["jobs"]) == 1


def test_a_range_is_each_occurrence_of_its_days_with_its_date(world: World) -> None:
    put(world)
    ids(run(world, At="2026-11-19"))
    days = ("17", "18", "19", "20", "23")
    found = ids(run(world, From="2026-11-16T12:00:00Z", To="2026-11-23"))
    assert found == {f"morning-202611{day}T110000Z": day != "19" for day in days}
    assert not any(ids(run(world, From="2026-11-17", To="2026-11-23")).values())
    world.driver.run()
    names = {world.export(each).files[0].uri or "" for each in found}
    assert {uri.rpartition("/")[2] for uri in names} == {f"2026-11-{day}.pdf" for day in days}
    assert len(world.ledger()["jobs"]) == 5


def test_a_burst_is_of_the_list_of_its_day(world: World) -> None:
    for day in ("22", "23"):
        csv_manifest(
            world, f"RecipientId,tag:customer_id\nr-{day},cust-00{day}\n", f"2026-11-{day}.csv"
        )
    uri = f"s3://{world.settings.export_bucket}/manifests/{{date}}.csv"
    burst = {
        "Template": template(Name="{recipient}"),
        "Manifest": {"S3Uri": uri, "Format": "CSV"},
    }
    body = schedule(Burst=burst, ScheduleExpression="cron(0 6 * * ? *)")
    body.pop("Export")
    assert call_api(world.services, "PUT", "/schedules/morning", body).status == 200
    found = run(world, From="2026-11-22", To="2026-11-23")
    assert ids(found) == {"morning-20261122T110000Z": True, "morning-20261123T110000Z": True}
    assert found.body["Occurrences"][0]["StatusPath"] == "/bursts/morning-20261122T110000Z"
    world.driver.run()
    assert world.export("morning-20261122T110000Z-2").recipient_id == "r-22"
    assert world.export("morning-20261123T110000Z-2").recipient_id == "r-23"


def test_a_wrong_occurrence_is_told_by_its_place_and_those_before_it_stay(world: World) -> None:
    csv_manifest(world, "RecipientId,tag:customer_id\nr-1,cust-0001\n", "2026-11-22.csv")
    uri = f"s3://{world.settings.export_bucket}/manifests/{{date}}.csv"
    burst = {"Template": template(), "Manifest": {"S3Uri": uri, "Format": "CSV"}}
    body = schedule(Burst=burst, ScheduleExpression="cron(0 6 * * ? *)")
    body.pop("Export")
    call_api(world.services, "PUT", "/schedules/morning", body)
    place, text = problem(run(world, From="2026-11-22", To="2026-11-23"))
    assert place == "Burst.Manifest.S3Uri" and "must be an object that can be read" in text
    csv_manifest(world, "RecipientId,tag:customer_id\nr-2,cust-0002\n", "2026-11-23.csv")
    again = ids(run(world, From="2026-11-22", To="2026-11-23"))
    assert again == {"morning-20261122T110000Z": False, "morning-20261123T110000Z": True}


def test_with_ready_by_a_missed_moment_is_the_schedules_own_with_its_deadline(
    world: World,
) -> None:
    put_ready = schedule(ReadyBy={"Time": "07:00"}, FlexibleTimeWindowMinutes=0)
    put_ready.pop("ScheduleExpression")
    assert call_api(world.services, "PUT", "/schedules/morning", put_ready).status == 200
    assert ids(run(world, At="2026-11-21")) == {"morning-20261121T120000Z": True}
    assert world.export("morning-20261121T120000Z").deadline == MONDAY.timestamp() - (
        2 * 86_400 + 3.5 * 3600 + 0.25
    )
    late = sent_by(world, "morning", "2026-11-21T09:00:00Z")
    assert world.send(late, "late") is Status.QUEUED and world.rejected() == []
    assert ids(run(world)) == {"morning-20261123T153000Z": True}
    assert world.export("morning-20261123T153000Z").deadline is None, "the next moment stays"
    found = ids(run(world, From="2026-11-20", To="2026-11-23"))
    assert [*found] == [f"morning-202611{day}T120000Z" for day in (20, 21, 22, 23)]


def test_what_lies_ahead_or_is_not_there_or_is_too_much_is_refused(world: World) -> None:
    put(world)
    assert problem(run(world, At="2026-11-24")) == ("At", "must not lie in the future")
    assert problem(run(world, From="2026-11-20", To="2026-11-30"))[0] == "To"
    assert problem(run(world, At="2026-11-22"))[1].startswith(
        "must be a time: the schedule occurs not at all"
    )
    assert problem(run(world, From="2026-11-21", To="2026-11-22"))[0] == "From"
    assert problem(run(world, From="2026-11-20"))[1].startswith("must have At, or From and To")
    assert problem(run(world, At="yesterday"))[1].startswith("must be a day")
    assert problem(run(world, At="2026-11-20T11:00:00"))[0] == "At"
    begin = (MONDAY - timedelta(days=50)).date().isoformat()
    text = f"must include at most {MAX_OCCURRENCES} occurrences: there are more"
    assert problem(run(world, From=begin, To="2026-11-23")) == ("To", text)
    put(world, ScheduleExpression="cron(0,30 6 * * ? *)")
    assert "more than once" in problem(run(world, At="2026-11-20"))[1]
    put(world, ScheduleExpression="rate(1 day)")
    assert "rate(...)" in problem(run(world, At="2026-11-20"))[1]
    assert call_api(world.services, "POST", "/schedules/nothing/run", {}).status == 404
    assert world.ledger()["jobs"] == []


def test_a_disabled_schedule_runs_by_hand_and_only_within_its_dates(world: World) -> None:
    put(world, State="DISABLED", StartDate="2026-11-19T00:00:00Z", EndDate="2026-12-01T00:00:00Z")
    found = ids(run(world, From="2026-11-01", To="2026-11-23"))
    assert [*found] == [f"morning-202611{day}T110000Z" for day in (19, 20, 23)]
    assert ids(run(world, At="2026-11-02T11:00:00Z")) == {"morning-20261102T110000Z": True}

"""Recipients of bursts that an Athena query finds: frozen, counted, held where they changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.quicksight.catalogue import DataSet
from snapshot_export.domain.burst import Burst, BurstStatus, Work
from snapshot_export.domain.export import Status
from snapshot_export.domain.hold import HOLD_SECONDS
from snapshot_export.domain.recipient_query import MAX_QUERY_SECONDS
from snapshot_export.errors import NotHeldError, TransientError, UnknownIdError
from snapshot_export.flows.burst import query as query_flow
from snapshot_export.flows.burst.cancel import cancel_burst
from snapshot_export.flows.burst.query import query
from snapshot_export.flows.burst.release import release_burst
from snapshot_export.flows.burst.resume import resume_bursts
from snapshot_export.flows.periodic.start_after_data import start_after_data
from tests.support.athena import BUCKET, Queries, athena, rows
from tests.support.bursts import burst, manifest_of, report_of
from tests.support.world import WORK_GROUP, World

SQL = 'SELECT id AS "RecipientId", customer AS "tag:customer_id" FROM c WHERE name = \'secret\''


@pytest.fixture
def queries(world: World) -> Iterator[Queries]:
    with athena() as found:
        yield found


@pytest.fixture
def events(world: World) -> list[tuple[str, dict[str, Any]]]:
    """Every event that is sent, with its detail."""
    sent: list[tuple[str, dict[str, Any]]] = []

    def note(params: dict[str, Any], **_more: object) -> None:
        sent.extend((each["DetailType"], json.loads(each["Detail"])) for each in params["Entries"])

    client = world.services.events._client
    client.meta.events.register("provide-client-params.events.PutEvents", note)
    return sent


def asked(burst_id: str | None = "asked", **more: Any) -> dict[str, Any]:
    """A burst whose recipients come from a query; `more` are members of its manifest."""
    of_athena = {"QueryString": SQL, "Database": "crm", "WorkGroup": WORK_GROUP}
    return burst(burst_id, Manifest={"Athena": of_athena, **more})


def occurrence(day: int, **more: Any) -> dict[str, Any]:
    """The message of a schedule's occurrence on a day of November 2026."""
    return {
        "Schedule": "daily",
        "Occurrence": f"2026-11-{day:02d}T06:00:00Z",
        "Timezone": "UTC",
        "Burst": asked(None, **more),
    }


def found(world: World, burst_id: str = "asked") -> Burst:
    record = world.services.bursts.find(burst_id)
    assert record is not None
    return record


def test_the_rows_of_a_query_become_exports(world: World, queries: Queries) -> None:
    world.send({"Burst": asked()})

    assert found(world).status is BurstStatus.QUERYING
    world.driver.run()

    assert found(world).status is BurstStatus.COMPLETED
    assert found(world).found == 3
    assert [world.export(f"asked-{line}").recipient_id for line in (2, 3, 4)] == [
        "r-1", "r-2", "r-3",
    ]  # fmt: skip
    (call,) = queries.started
    assert call["QueryExecutionContext"] == {"Database": "crm"}
    assert (call["QueryString"], call["WorkGroup"]) == (SQL, WORK_GROUP)


def test_a_query_that_runs_is_looked_at_again_by_a_message_that_comes_later(
    world: World, queries: Queries
) -> None:
    world.send({"Burst": asked()})
    world.burst_queue.sent.clear()
    query(world.services, "asked")

    assert world.burst_queue.sent == [("asked", Work.QUERY)]
    assert world.burst_queue.delays["asked", Work.QUERY] == 2
    assert world.services.bursts.template("asked"), "nothing is lost meanwhile"


def test_a_query_begins_once_however_often_its_first_step_is_repeated(
    world: World, queries: Queries
) -> None:
    world.send({"Burst": asked()})
    dies = pytest.MonkeyPatch()
    dies.setattr(world.services.bursts, "begin_query", _dies)
    for _ in range(2):
        query(world.services, "asked")
    dies.undo()
    world.driver.run()

    assert len(queries.started) == 1
    assert found(world).status is BurstStatus.COMPLETED


def _dies(*_given: object) -> None:
    raise TransientError("killed")


def test_recipients_are_frozen_whatever_becomes_of_the_result(
    world: World, queries: Queries
) -> None:
    queries.polls = 0
    world.send({"Burst": asked()})
    dies = pytest.MonkeyPatch()
    dies.setattr(world.services.bursts, "end_query", _dies)
    query(world.services, "asked")
    dies.undo()
    queries.result = rows(7)
    world.driver.run()

    assert found(world).counts["Completed"] == 3
    s3 = world.session.client("s3")
    key = f"bursts/asked/recipients-{found(world).nonce}.csv"
    kept = s3.get_object(Bucket=world.settings.export_bucket, Key=key)["Body"].read().decode()
    assert kept == rows(1, 2, 3)


def test_null_and_empty_cells_are_refused_by_line_and_column(
    world: World, queries: Queries
) -> None:
    """Athena writes NULL as nothing and an empty text as "": neither is a customer."""
    queries.result = rows(1) + '"r-2",\n"r-3",""\n"r,4","cust-0004"\n'
    world.send({"Burst": asked()})
    world.driver.run()

    refusals = world.services.bursts.refusals("asked")
    assert [(each.line, each.problems[0].place) for each in refusals] == [
        (3, "tag:customer_id"), (4, "tag:customer_id"), (5, "RecipientId"),
    ]  # fmt: skip
    assert found(world).status is BurstStatus.COMPLETED_WITH_FAILURES


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ({"state": "FAILED"}, "MANIFEST_QUERY_FAILED"),
        ({"state": "CANCELLED"}, "MANIFEST_QUERY_CANCELLED"),
        ({"polls": 10_000}, "MANIFEST_QUERY_TIMEOUT"),
        ({"refusal": "InvalidRequestException"}, "MANIFEST_QUERY_REFUSED"),
        ({"refusal": "AccessDeniedException"}, "MANIFEST_QUERY_REFUSED"),
        pytest.param(
            {"refusal": "TooManyRequestsException"},
            "MANIFEST_QUERY_TIMEOUT",
            marks=pytest.mark.nightly,  # botocore repeats in real time
        ),
        ({"suffix": "txt"}, "MANIFEST_QUERY_NO_TABLE"),
        ({"result": rows()}, "MANIFEST_QUERY_EMPTY"),
        ({"result": '"Customer"\n"a"\n'}, "MANIFEST_HEADER_INVALID"),
    ],
)
def test_a_query_without_recipients_fails_the_burst_with_a_reason_that_shows_nothing(
    world: World,
    queries: Queries,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    events: list[tuple[str, dict[str, Any]]],
    behaviour: dict[str, Any],
    code: str,
) -> None:
    monkeypatch.setattr(query_flow, "MAX_QUERY_SECONDS", 20.0)
    for name, value in behaviour.items():
        setattr(queries, name, value)
    world.send({"Burst": asked()})
    world.driver.run()

    record = found(world)
    assert record.status is BurstStatus.FAILED
    assert record.error is not None
    assert record.error.code == code
    (_, ended) = events[-1]
    assert ended["ErrorCode"] == code
    log = str([vars(each) for each in caplog.records])
    assert "asked" in log
    shown = [record.error.message, log, json.dumps(events), report_of(world, "asked")]
    assert not any("secret" in text for text in [*shown, json.dumps(manifest_of(world, "asked"))])
    assert world.services.bursts.query("asked") == {}


def test_a_query_that_takes_too_long_is_stopped(world: World, queries: Queries) -> None:
    queries.polls = 10_000
    began = world.clock.now()
    world.send({"Burst": asked()})
    world.driver.run()

    assert queries.stopped == ["query-1"]
    assert world.clock.now() - began < MAX_QUERY_SECONDS + 600


def test_a_query_has_its_whole_time_after_a_wait_for_data(world: World, queries: Queries) -> None:
    world.quicksight.emulator.put_data_set(DataSet("fresh", "Fresh"))
    after = {"DataSets": ["fresh"], "Since": "PT1H", "Until": "PT2H"}
    world.send({"Burst": asked() | {"After": after}})
    world.clock.sleep(MAX_QUERY_SECONDS + 60)
    world.session.client("quicksight").create_ingestion(
        AwsAccountId=world.settings.quicksight_account_id, DataSetId="fresh", IngestionId="late"
    )
    world.driver.run(until=world.clock.now() + 300)
    assert start_after_data(world.services, stop_at=world.clock.now() + 20) == 1
    world.driver.run()

    assert len(queries.started) == 1
    assert found(world).status is BurstStatus.COMPLETED


def test_the_query_of_a_cancelled_burst_is_stopped(world: World, queries: Queries) -> None:
    world.send({"Burst": asked()})
    query(world.services, "asked")
    cancel_burst(world.services, "asked")
    world.driver.run()

    assert {*queries.stopped} == {"query-1"}
    assert found(world).status is BurstStatus.CANCELLED


def test_a_count_that_changed_too_much_holds_the_burst_until_it_is_released(
    world: World, queries: Queries, events: list[tuple[str, dict[str, Any]]]
) -> None:
    world.send({"Burst": asked(ExpectedCount=4, MaxChangeShare=0.2)})
    world.driver.run()

    held = found(world)
    assert held.status is BurstStatus.HELD
    assert held.hold is not None
    assert "3 recipients where 4 are expected" in held.hold.message
    (kind, detail) = events[0]
    assert kind == "Snapshot Request Held"
    assert detail["Recipients"] == {"Found": 3, "Expected": 4}
    assert len(events) == 1, "a pass of the reconciler announces no hold again"

    release_burst(world.services, "asked")
    assert release_burst(world.services, "asked").released_at is not None
    queries.result = rows(9)
    world.driver.run()

    assert found(world).status is BurstStatus.COMPLETED
    assert found(world).counts["Completed"] == 3


def test_a_hold_that_nobody_ends_fails_the_burst_in_time(world: World, queries: Queries) -> None:
    world.send({"Burst": asked(ExpectedCount=10)})
    world.driver.run()
    world.clock.time += HOLD_SECONDS
    world.driver.run()

    record = found(world)
    assert record.status is BurstStatus.FAILED
    assert record.error is not None
    assert record.error.code == "MANIFEST_HOLD_EXPIRED"
    assert "3 recipients where 10 are expected" in record.error.message
    with pytest.raises(NotHeldError):
        release_burst(world.services, "asked")


def test_a_held_burst_can_be_cancelled(world: World, queries: Queries) -> None:
    world.send({"Burst": asked(ExpectedCount=10)})
    world.driver.run()
    cancel_burst(world.services, "asked")
    world.driver.run()

    assert found(world).status is BurstStatus.CANCELLED
    assert found(world).counts["Total"] == 0


def test_a_hold_is_announced_though_its_announcement_got_lost(
    world: World, queries: Queries, events: list[tuple[str, dict[str, Any]]]
) -> None:
    queries.polls = 0
    world.send({"Burst": asked(ExpectedCount=10)})
    world.burst_queue.sent.clear()
    dies = pytest.MonkeyPatch()
    dies.setattr(world.services.bursts, "note_hold_announced", _dies)
    query(world.services, "asked")
    dies.undo()
    world.burst_queue.sent.clear()
    world.clock.time += 200
    resume_bursts(world.services)
    world.work_on_bursts()

    assert len({detail["EventId"] for _, detail in events}) == 1
    assert found(world).work_left is None


def test_only_a_held_burst_is_released(world: World, queries: Queries) -> None:
    world.send({"Burst": asked()})

    with pytest.raises(NotHeldError):
        release_burst(world.services, "asked")
    with pytest.raises(UnknownIdError):
        release_burst(world.services, "nobody")


@pytest.mark.nightly
def test_an_occurrence_is_held_against_the_one_before_it(world: World, queries: Queries) -> None:
    first, second, third = (f"daily-202611{day}T060000Z" for day in (23, 24, 25))
    queries.result = rows(*range(1, 11))
    world.send(occurrence(23))
    world.driver.run()
    assert found(world, first).status is BurstStatus.COMPLETED

    queries.result = rows(*range(1, 9))
    world.send(occurrence(24))
    world.driver.run()
    assert found(world, second).status is BurstStatus.COMPLETED, "a fifth fewer is no surprise"

    queries.result = rows(1, 2, 3)
    world.send(occurrence(25))
    world.driver.run()
    held = found(world, third)
    assert (held.status, held.found, held.expected) == (BurstStatus.HELD, 3, 8)

    assert world.services.recipient_counts.newest("daily") == 8
    release_burst(world.services, third)
    world.driver.run()
    assert world.services.recipient_counts.newest("daily") == 3


def test_an_occurrence_that_is_run_late_changes_nothing_of_what_is_expected(
    world: World, queries: Queries
) -> None:
    for day, numbers in ((23, range(1, 4)), (20, range(1, 3))):
        queries.result = rows(*numbers)
        world.send(occurrence(day, MaxChangeShare=1))
        world.driver.run()

    assert world.services.recipient_counts.newest("daily") == 3


def test_dates_are_written_out_in_the_query_of_a_schedule(world: World, queries: Queries) -> None:
    body = occurrence(23)
    body["Burst"]["Manifest"]["Athena"]["QueryString"] = "SELECT '{date}', json '{}'"
    world.send(body)
    world.driver.run()

    assert queries.started[0]["QueryString"] == "SELECT '2026-11-23', json '{}'"


@pytest.mark.parametrize(
    ("manifest", "place", "rule"),
    [
        ({"Athena": {"QueryString": "SELECT 1", "WorkGroup": "primary"}},
         "Burst.Manifest.Athena.WorkGroup", "must be one that this deployment allows: recipients"),
        ({"Athena": {"WorkGroup": WORK_GROUP}},
         "Burst.Manifest.Athena", "must have either QueryString or NamedQueryId"),
        ({"Athena": {"QueryString": "SELECT 1"}},
         "Burst.Manifest.Athena.WorkGroup", "is required"),
        ({"S3Uri": "s3://allowed-bucket/list.csv"},
         "Burst.Manifest", "must have S3Uri and Format, or Athena"),
        ({"S3Uri": "s3://allowed-bucket/list.csv", "Format": "CSV", "ExpectedCount": 3},
         "Burst.Manifest", "takes MaxChangeShare and ExpectedCount with Athena only"),
        ({"Athena": {"QueryString": "SELECT 1", "WorkGroup": WORK_GROUP}, "Format": "CSV"},
         "Burst.Manifest", "must have either S3Uri with Format, or Athena"),
    ],
)  # fmt: skip
def test_a_query_that_is_not_allowed_is_refused_at_once(
    world: World, queries: Queries, manifest: dict[str, Any], place: str, rule: str
) -> None:
    assert world.send({"Burst": burst("asked", Manifest=manifest)}) is Status.REJECTED

    (problem,) = world.rejected()[0]["Reason"]["Problems"]
    assert (problem["Place"], problem["Rule"]) == (place, rule)
    assert queries.started == []


def test_a_named_query_is_looked_up(world: World, queries: Queries) -> None:
    client = world.session.client("athena")
    client.create_work_group(
        Name=WORK_GROUP,
        Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/"}},
    )
    named = client.create_named_query(
        Name="recipients", Database="crm", QueryString=SQL, WorkGroup=WORK_GROUP
    )
    body = asked()
    body["Manifest"]["Athena"] = {"NamedQueryId": named["NamedQueryId"], "WorkGroup": WORK_GROUP}
    world.send({"Burst": body})
    world.driver.run()

    assert queries.started[0]["QueryString"] == SQL
    assert queries.started[0]["QueryExecutionContext"] == {"Database": "crm"}
    assert found(world).status is BurstStatus.COMPLETED

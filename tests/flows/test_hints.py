"""Hints that S3 gives of a job's end, and each way in which they can be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from snapshot_export.domain.export import Status
from snapshot_export.domain.hint import MISSED_AT_MOST, Hint, hint_of
from snapshot_export.flows.export.hint import hear
from snapshot_export.metric import Metric
from tests.flows.test_slots import send_many, set_gate
from tests.support.hints import never, objects_on_the_clock
from tests.support.messages import csv_groups, message
from tests.support.world import World

STATUS, RESULT = "DescribeDashboardSnapshotJob", "DescribeDashboardSnapshotJobResult"


@pytest.fixture
def heard(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose hints come, and which knows that they do."""
    objects_on_the_clock(world, monkeypatch)
    set_gate(world, "hints_missed", 0)
    world.notify()
    return world


def asked(world: World, *operations: str) -> list[str]:
    """What was answered to those who asked about jobs, for their results too by default."""
    return [
        call["outcome"]
        for call in world.ledger()["calls"]
        if call["operation"] in (operations or (STATUS, RESULT))
    ]


def delays_seen(world: World) -> list[float]:
    return world.measured[Metric.POLL_DELAY_SECONDS]


def missed(world: World) -> int | None:
    return world.services.store.gate().hints_missed


def running_hint(world: World, export_id: str = "one") -> Hint:
    """The hint of an object that comes now for an export that runs."""
    export = world.export(export_id)
    key = f"snapshots/{export_id}/{export.nonce}/file.pdf"
    hint = hint_of(world.settings.export_bucket, key, world.clock.now())
    assert hint is not None
    return hint


def run_for(world: World, seconds: float) -> None:
    world.driver.run(until=world.clock.now() + seconds)


def test_a_hint_has_the_end_seen_soon_with_few_calls(heard: World) -> None:
    heard.switch("job_seconds", seconds=40.0)
    heard.send(message("one"))
    heard.driver.run()
    assert heard.export("one").status is Status.COMPLETED
    assert delays_seen(heard)[0] < 2
    assert len(asked(heard)) <= 6
    assert heard.measured[Metric.HINTS_HEARD] == [1]


def test_the_files_are_collected_before_the_execution_looks(heard: World) -> None:
    heard.switch("job_seconds", seconds=40.0)
    heard.send(message("one"))
    began = heard.clock.now()
    run_for(heard, 45)
    assert heard.export("one").status is Status.COMPLETED
    assert (heard.export("one").finished_at or 0) - began < 44
    assert heard.driver.ends == {}, "its wait is not over"
    heard.driver.run()
    assert list(heard.driver.ends.values()) == ["DONE"]


def test_the_end_starts_the_next_job_at_once(heard: World) -> None:
    set_gate(heard, "limit", 1)
    for _ in range(3):
        heard.switch("job_seconds", seconds=30.0)
    send_many(heard, 3)
    heard.driver.run()
    jobs = sorted(heard.ledger()["jobs"], key=lambda job: job["created"])
    gaps = [after["created"] - before["ended"] for before, after in pairwise(jobs)]
    assert len(jobs) == 3 and max(gaps) < 4
    assert len(asked(heard)) <= 15


def test_the_answer_that_says_that_a_job_ended_is_what_is_collected(heard: World) -> None:
    heard.switch("job_seconds", seconds=40.0)
    heard.send(message("one"))
    run_for(heard, 45)
    assert heard.export("one").status is Status.COMPLETED
    assert asked(heard, RESULT).count("OK") == 1
    assert asked(heard, STATUS) == []


def test_a_file_that_failed_fails_its_export_with_its_reason(heard: World) -> None:
    heard.switch("fail_file", FileGroup=0, ErrorType="DATASET_DELETED")
    heard.send(message("one"))
    heard.driver.run()
    error = heard.export("one").error
    assert heard.export("one").status is Status.FAILED
    assert error is not None and error.code == "DATASET_DELETED"
    assert asked(heard, RESULT).count("OK") == 1


@pytest.mark.parametrize("code", ["InvalidParameterValueException", "AccessDeniedException"])
def test_where_the_result_is_refused_otherwise_before_the_end_the_status_is_asked_for(
    heard: World, code: str
) -> None:
    heard.switch("raise_exception", Operation=RESULT, Exception=code)
    heard.switch("job_seconds", seconds=40.0)
    heard.send(message("one"))
    run_for(heard, 45)
    assert heard.export("one").status is Status.COMPLETED
    assert asked(heard, RESULT) == [code, "OK"], "the second by whoever collects"
    assert asked(heard, STATUS)


def test_a_lost_hint_is_made_up_for_by_a_poll(world: World) -> None:
    set_gate(world, "hints_missed", 0)
    world.notify(never)
    world.switch("job_seconds", seconds=40.0)
    world.send(message("one"))
    world.driver.run()
    assert world.export("one").status is Status.COMPLETED
    assert missed(world) == 1
    assert world.measured[Metric.HINTS_HEARD] == [0]


def test_polls_are_close_again_after_a_few_jobs_without_hints(world: World) -> None:
    set_gate(world, "hints_missed", 0)
    set_gate(world, "limit", 1)
    world.notify(never)
    world.services.durations.learn("sales-overview", "PDF", 40.0)
    for _ in range(6):
        world.switch("job_seconds", seconds=40.0)
    send_many(world, 6)
    world.driver.run()
    late = delays_seen(world)
    assert missed(world) == 6
    assert min(late[:MISSED_AT_MOST]) > max(late[MISSED_AT_MOST:])


def test_before_the_first_hint_polls_are_close_and_the_first_hint_changes_that(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects_on_the_clock(world, monkeypatch)
    assert missed(world) is None
    world.notify(lambda number: () if number == 0 else (0.1,))
    set_gate(world, "limit", 1)
    send_many(world, 6)
    world.driver.run()
    assert missed(world) == 0
    assert {world.export(f"export-00{n}").status for n in range(6)} == {Status.COMPLETED}


@pytest.mark.parametrize(
    "delays",
    [(0.2, 0.2), (0.2, 3.0), (9.0,), (300.0,)],
    ids=["doubled", "doubled-later", "late", "after-the-end"],
)
def test_a_hint_that_is_doubled_or_late_changes_nothing_but_the_time(
    heard: World, delays: Sequence[float]
) -> None:
    heard.notify(lambda _number: delays)
    set_gate(heard, "limit", 2)
    send_many(heard, 4)
    heard.driver.run()
    ends = {heard.export(f"export-00{n}").status for n in range(4)}
    assert ends == {Status.COMPLETED}
    assert heard.ledger()["summary"]["jobs_started"] == 4


@pytest.mark.parametrize("first_delay", [0.1, 4.0], ids=["in-order", "out-of-order"])
def test_a_job_of_several_files_is_asked_about_when_all_have_come(
    heard: World, first_delay: float
) -> None:
    heard.notifications = None
    heard.notify(lambda number: (first_delay if number == 0 else 0.2,))
    heard.switch("job_seconds", seconds=40.0)
    heard.send(message("one", dashboard="board-pack", groups=csv_groups(5)))
    heard.driver.run()
    assert heard.export("one").status is Status.COMPLETED
    assert len(heard.export("one").files) == 5
    assert len(asked(heard)) <= 8
    assert delays_seen(heard)[0] < 4


def test_parts_are_each_asked_about_though_files_of_earlier_ones_are_there(heard: World) -> None:
    heard.send(message("one", dashboard="board-pack", groups=csv_groups(8)))
    heard.driver.run()
    assert len(heard.export("one").files) == 8
    assert heard.measured[Metric.HINTS_HEARD] == [1, 1]


def test_a_hint_is_followed_up_by_one_alone(heard: World) -> None:
    heard.notifications = None
    heard.send(message("one"))
    run_for(heard, 3)
    record = heard.services.store.attempt("one")
    assert record is not None
    now = heard.clock.now()
    heard.services.store.begin_asking(record, now, now + 60)
    before = asked(heard)
    hear(heard.services, running_hint(heard))
    assert asked(heard) == before


def test_what_asks_no_more_leaves_the_next_hint_to_be_followed_up(heard: World) -> None:
    heard.notifications = None
    heard.send(message("one"))
    run_for(heard, 3)
    record = heard.services.store.attempt("one")
    assert record is not None
    heard.services.store.begin_asking(record, heard.clock.now() - 100, heard.clock.now() - 1)
    before = asked(heard)
    hear(heard.services, running_hint(heard))
    assert len(asked(heard)) > len(before)


def test_hints_that_are_no_attempts_of_ours_ask_nothing(heard: World) -> None:
    heard.notifications = None
    heard.send(message("one"))
    run_for(heard, 3)
    before = asked(heard)
    hint = running_hint(heard)
    for wrong in (
        replace(hint, nonce="0" * 12),
        replace(hint, export_id="nobody"),
        replace(hint, bucket="allowed-bucket"),
        replace(hint, written_at=hint.written_at - 3600),
    ):
        hear(heard.services, wrong)
    assert asked(heard) == before
    assert missed(heard) == 0


def test_a_hint_before_the_job_was_started_asks_nothing(heard: World) -> None:
    heard.notifications = None
    heard.send(message("one"))
    hear(heard.services, running_hint(heard))
    assert asked(heard) == []


def test_a_hint_for_a_job_that_runs_on_is_given_up_and_frees_nothing(heard: World) -> None:
    """Somebody else wrote into the folder: QuickSight's answer alone counts."""
    heard.notifications = None
    heard.switch("job_seconds", seconds=400.0)
    heard.send(message("one"))
    run_for(heard, 3)
    before = heard.clock.now()
    hear(heard.services, running_hint(heard))
    assert heard.clock.now() - before < 25
    record = heard.services.store.attempt("one")
    assert record is not None and record.holds_slot


def test_an_attempt_that_cannot_be_read_is_left_to_the_polls(heard: World) -> None:
    heard.notifications = None
    heard.send(message("one"))
    run_for(heard, 3)
    hint = running_hint(heard)
    heard.session.client("dynamodb").update_item(
        TableName=heard.settings.table_name,
        Key={"pk": {"S": heard.keys.gate_partition}, "sk": {"S": "ATTEMPT#one"}},
        UpdateExpression="SET started_at = :bad",
        ExpressionAttributeValues={":bad": {"S": "soon"}},
    )
    before = asked(heard)
    hear(heard.services, hint)
    assert asked(heard) == before


def test_files_in_a_bucket_of_others_are_polled_for_and_miss_no_hint(heard: World) -> None:
    request = message("one")
    configuration = request["SnapshotConfiguration"]
    configuration["DestinationConfiguration"] = {
        "S3Destinations": [
            {
                "BucketConfiguration": {
                    "BucketName": "allowed-bucket",
                    "BucketPrefix": "mine",
                    "BucketRegion": "us-east-1",
                }
            }
        ]
    }
    heard.send(request)
    record = heard.services.store.attempt("one")
    assert record is not None and record.files == 0
    heard.driver.run()
    assert missed(heard) == 0
    assert heard.measured[Metric.HINTS_HEARD] == []


def test_an_execution_waits_for_a_retry_that_was_queued_while_it_slept(heard: World) -> None:
    heard.switch("fail_file", FileGroup=0, ErrorType="INTERNAL_ERROR")
    heard.send(message("one"))
    heard.driver.run(reconcile_every=1e6)
    assert heard.export("one").status is Status.COMPLETED
    assert heard.export("one").attempt == 2


@pytest.mark.parametrize(
    "key",
    ["exports/one/n/file.pdf", "snapshots/one/file.pdf", "snapshots//n/f", "snapshots/a/b/c/d"],
)
def test_an_object_that_is_of_no_export_is_no_hint(key: str) -> None:
    assert hint_of("bucket", key, 0.0) is None

"""Files come to their places whole and in time, or the export ends with its reason."""

from __future__ import annotations

import itertools

import pytest

from snapshot_export.adapters.s3.transfers import TimeLimit
from snapshot_export.domain.export import Status
from snapshot_export.errors import TransferTooSlowError, TransientError
from snapshot_export.flows.export.collect import (
    RESULT_KEPT_SECONDS,
    SLOW_KEPT_SECONDS,
    TRANSFER_SECONDS,
    UNTRIED_SECONDS,
    collect,
)
from snapshot_export.flows.export.step_answer import Answer
from tests.support.messages import message
from tests.support.world import World


def send_without_destination(world: World) -> None:
    body = message("one")
    body["SnapshotConfiguration"]["DestinationConfiguration"] = {}
    world.send(body)


def collect_until_it_ends(world: World, pause: float) -> tuple[Answer, int]:
    """Repeat the step as its execution and the reconciler do; the answer and the tries."""
    for tries in itertools.count(1):
        try:
            return collect(world.services, "one", 1, 1), tries
        except TransientError:
            world.clock.sleep(pause)
    raise AssertionError


def keys_of_exports(world: World) -> int:
    found = world.session.client("s3").list_objects_v2(
        Bucket=world.settings.export_bucket, Prefix="exports/"
    )
    return found["KeyCount"]


def test_a_download_that_outlasts_the_function_ends_with_its_reason(world: World) -> None:
    world.switch("slow_download", Seconds=2 * TRANSFER_SECONDS)
    send_without_destination(world)
    with pytest.raises(TransientError):
        world.driver.run()
    record = world.services.store.attempt("one")
    assert record is not None and record.job_ended_at is not None
    answer, tries = collect_until_it_ends(world, pause=30)
    export = world.export("one")
    assert (answer["Phase"], export.status) == ("FAILED", Status.FAILED)
    assert export.error is not None and export.error.code == "TRANSFER_TOO_SLOW"
    assert tries <= 3
    assert world.clock.now() - record.job_ended_at < SLOW_KEPT_SECONDS + 3 * TRANSFER_SECONDS
    assert keys_of_exports(world) == 0
    assert len(world.ledger()["jobs"]) == 1, "nothing is paid for twice"


def test_a_slow_download_within_the_time_completes(world: World) -> None:
    world.switch("slow_download", Seconds=TRANSFER_SECONDS - 20)
    send_without_destination(world)
    world.driver.run()
    assert world.export("one").status is Status.COMPLETED


def test_a_download_that_breaks_off_is_not_taken_for_the_whole_file(world: World) -> None:
    world.switch("cut_download")
    send_without_destination(world)
    with pytest.raises(TransientError, match="IncompleteRead"):
        world.driver.run()
    assert keys_of_exports(world) == 0
    _, tries = collect_until_it_ends(world, pause=RESULT_KEPT_SECONDS / 4)
    export = world.export("one")
    assert export.error is not None and export.error.code == "RESULT_UNAVAILABLE"
    assert tries <= 5
    assert keys_of_exports(world) == 0


def test_what_was_not_collected_for_a_day_is_given_up_untried(world: World) -> None:
    world.switch("cut_download")
    send_without_destination(world)
    with pytest.raises(TransientError):
        world.driver.run()
    calls = len(world.ledger()["calls"])
    world.clock.sleep(UNTRIED_SECONDS)
    assert collect(world.services, "one", 1, 1)["Phase"] == "FAILED"
    export = world.export("one")
    assert export.error is not None and export.error.code == "RESULT_UNAVAILABLE"
    assert len(world.ledger()["calls"]) == calls


@pytest.mark.parametrize(("parts", "arrives"), [(2, False), (10, True)])
def test_a_large_copy_goes_in_parts_and_stops_when_its_time_is_over(
    world: World, parts: int, arrives: bool
) -> None:
    """`parts` of 8 MB of three may be done in time: the clock goes on by each."""
    s3, bucket = world.session.client("s3"), world.settings.export_bucket
    content = bytes(20 * 1024 * 1024)
    s3.put_object(Bucket=bucket, Key="snapshots/x/large.csv", Body=content)
    times = itertools.count(1)
    limit = TimeLimit(lambda: float(next(times)), stop_at=float(parts))
    copy = (f"s3://{bucket}/snapshots/x/large.csv", "CSV", "exports/x/large.csv", limit)
    if arrives:
        assert world.services.files.collect(*copy).size == len(content)
        return
    with pytest.raises(TransferTooSlowError):
        world.services.files.collect(*copy)
    assert keys_of_exports(world) == 0
    assert not s3.list_multipart_uploads(Bucket=bucket).get("Uploads")

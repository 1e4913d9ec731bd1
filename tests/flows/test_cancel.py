"""Cancelled is cancelled: no files, no second job, and the slot is freed by QuickSight alone."""

from __future__ import annotations

from typing import Any

import pytest

from snapshot_export.adapters.table.store import Store
from snapshot_export.domain.export import Export, ExportedFile, Status
from snapshot_export.domain.windows import CALL_SECONDS
from snapshot_export.errors import (
    AlreadyEndedError,
    ConditionFailedError,
    QuickSightUnavailableError,
    TransientError,
    UnknownIdError,
)
from snapshot_export.flows.export.cancel import cancel
from snapshot_export.flows.export.start import start
from tests.support.api import call_api
from tests.support.messages import csv_groups, message
from tests.support.world import World


def keys_in_bucket(world: World) -> list[str]:
    answer = world.session.client("s3").list_objects_v2(Bucket=world.settings.export_bucket)
    return [item["Key"] for item in answer.get("Contents", [])]


def fill_slots(world: World) -> None:
    for number in range(12):
        world.send(message(f"first-{number:02d}"))


def waiting(world: World) -> list[str]:
    return [entry.export_id for entry in world.services.store.first_waiting(50, 9e9)]


def test_an_export_that_waits_is_cancelled_at_once_and_never_starts(world: World) -> None:
    fill_slots(world)
    world.send(message("regretted"))
    answer = call_api(world.services, "DELETE", "/exports/regretted")
    assert (answer.status, answer.body) == (
        200,
        {"ExportId": "regretted", "Status": "CANCELLED"},
    )
    assert waiting(world) == []
    world.driver.run()
    export = world.export("regretted")
    assert export.status is Status.CANCELLED
    assert export.error is not None and export.error.code == "CANCELLED"
    assert export.finished_at is not None
    assert len(world.ledger()["jobs"]) == 12


def test_an_export_that_waits_for_its_retry_is_cancelled(world: World) -> None:
    world.switch("fail_job", SnapshotJobId="flaky", ErrorType="INTERNAL_FAILURE")
    world.send(message("flaky"))
    while world.export("flaky").status is not Status.QUEUED:
        world.driver.run(until=world.clock.now() + 1)
    assert world.export("flaky").due_at > world.clock.now()
    assert cancel(world.services, "flaky") is Status.RUNNING, "its attempt may have left files"
    assert waiting(world) == []
    world.driver.run()
    assert world.export("flaky").status is Status.CANCELLED
    assert len(world.ledger()["jobs"]) == 1


def test_an_export_that_was_handed_back_is_cancelled(world: World) -> None:
    world.quicksight.emulator.occupy(12, None)
    world.send(message("handed-back"))
    while world.export("handed-back").status is not Status.QUEUED:
        world.driver.run(until=world.clock.now() + 1)
    assert cancel(world.services, "handed-back") is Status.CANCELLED
    assert waiting(world) == []
    world.quicksight.emulator.occupy(0, None)
    world.driver.run()
    assert world.ledger()["jobs"] == []


def test_a_running_export_is_marked_and_ends_cancelled_without_files_when_its_job_ends(
    world: World,
) -> None:
    world.send(message("marked"))
    world.driver.run(until=world.clock.now() + 5)
    answer = call_api(world.services, "DELETE", "/exports/marked")
    assert (answer.status, answer.body["Status"]) == (200, "RUNNING")
    assert world.services.store.gate().running == 1, "QuickSight has no cancel"
    assert call_api(world.services, "GET", "/exports/marked").body["CancelRequested"] is True
    world.driver.run()
    export = world.export("marked")
    assert (export.status, export.files) == (Status.CANCELLED, ())
    assert world.services.store.gate().running == 0
    assert keys_in_bucket(world) == []
    assert len(world.ledger()["jobs"]) == 1


def test_a_cancelled_export_whose_job_fails_is_not_tried_again(world: World) -> None:
    world.switch("fail_job", SnapshotJobId="flaky", ErrorType="INTERNAL_FAILURE")
    world.send(message("flaky"))
    world.driver.run(until=world.clock.now() + 5)
    assert cancel(world.services, "flaky") is Status.RUNNING
    world.driver.run()
    assert world.export("flaky").status is Status.CANCELLED
    assert len(world.ledger()["jobs"]) == 1


def test_files_of_earlier_parts_are_taken_back(world: World) -> None:
    world.send(message("parted", dashboard="board-pack", groups=csv_groups(6)))
    while world.export("parted").part == 0 or world.export("parted").status is Status.QUEUED:
        world.driver.run(until=world.clock.now() + 1)
    assert [key for key in keys_in_bucket(world) if key.startswith("exports/")]
    assert cancel(world.services, "parted") is Status.RUNNING
    world.driver.run()
    assert world.export("parted").status is Status.CANCELLED
    assert keys_in_bucket(world) == []


def test_an_export_that_waits_for_its_second_part_gives_the_files_of_the_first_back(
    world: World,
) -> None:
    world.send(message("parted", dashboard="board-pack", groups=csv_groups(6)))
    world.services.store.change_gate({"paused_until": 9e9})
    while world.export("parted").part == 0:
        world.driver.run(until=world.clock.now() + 1)
    assert world.export("parted").status is Status.QUEUED
    assert [key for key in keys_in_bucket(world) if key.startswith("exports/")]
    answer = call_api(world.services, "DELETE", "/exports/parted")
    assert (answer.status, answer.body["Status"]) == (200, "RUNNING")
    assert waiting(world) == []
    world.driver.run()
    export = world.export("parted")
    assert (export.status, export.files) == (Status.CANCELLED, ())
    assert keys_in_bucket(world) == []
    assert world.services.store.gate().running == 0
    assert len(world.ledger()["jobs"]) == 1


def test_a_mark_that_comes_while_files_are_copied_still_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = world.services.files.collect

    def cancel_and_copy(*arguments: Any) -> ExportedFile:
        cancel(world.services, "late")
        return copy(*arguments)

    monkeypatch.setattr(world.services.files, "collect", cancel_and_copy)
    world.send(message("late"))
    world.driver.run()
    assert world.export("late").status is Status.CANCELLED
    assert keys_in_bucket(world) == []


def test_an_export_marked_before_its_start_makes_no_job_and_holds_its_slot_till_none_can_come(
    world: World,
) -> None:
    world.send(message("unstarted"))
    marked_at = world.clock.now()
    assert cancel(world.services, "unstarted") is Status.RUNNING
    answer = start(world.services, "unstarted", 1, 1)
    assert answer["Phase"] == "NOT_STARTED"
    assert world.services.store.gate().running == 1
    world.driver.run()
    export = world.export("unstarted")
    assert export.status is Status.CANCELLED
    assert export.finished_at is not None
    assert export.finished_at >= marked_at + CALL_SECONDS
    assert world.ledger()["jobs"] == []
    assert world.services.store.gate().running == 0


def test_a_job_that_was_started_before_the_mark_unknown_to_us_is_adopted(world: World) -> None:
    world.switch("lose_response", SnapshotJobId="unsure")
    world.send(message("unsure"))
    record, export = world.services.store.attempt("unsure"), world.export("unsure")
    assert record is not None
    with pytest.raises(QuickSightUnavailableError):
        world.services.quicksight.start(
            export.dashboard_id, record.snapshot_job_id, export.snapshot, send_by=9e9
        )
    assert record.started_at is None
    cancel(world.services, "unsure")
    start(world.services, "unsure", 1, 1)
    world.driver.run()
    assert world.export("unsure").status is Status.CANCELLED
    assert len(world.ledger()["jobs"]) == 1
    assert keys_in_bucket(world) == []


def test_a_marked_export_is_neither_handed_back_nor_queued_again(world: World) -> None:
    world.send(message("marked"))
    record, export = world.services.store.attempt("marked"), world.export("marked")
    assert record is not None
    cancel(world.services, "marked")
    with pytest.raises(ConditionFailedError):
        world.services.store.hand_back(record, export, world.clock.now())
    assert world.services.store.gate().running == 1


def test_cancelling_twice_is_as_good_as_once(world: World) -> None:
    fill_slots(world)
    world.send(message("regretted"))
    for _ in range(2):
        assert call_api(world.services, "DELETE", "/exports/regretted").status == 200


def test_what_ended_is_409_and_what_is_not_there_404(world: World) -> None:
    world.send(message("done"))
    world.driver.run()
    answer = call_api(world.services, "DELETE", "/exports/done")
    assert (answer.status, answer.body["Code"]) == (409, "ALREADY_ENDED")
    assert "COMPLETED" in answer.body["Message"]
    with pytest.raises(AlreadyEndedError):
        cancel(world.services, "done")
    with pytest.raises(UnknownIdError):
        cancel(world.services, "never")
    for name in ("never", "a%20b", "x" * 65, "%F0%9F%98%80"):
        assert call_api(world.services, "DELETE", f"/exports/{name}").status == 404


def test_an_export_let_in_at_the_same_moment_is_marked_instead(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.services.store.change_gate({"limit": 0})
    world.send(message("racing"))
    read = world.services.store.export
    stale = [world.export("racing")]

    def read_stale(export_id: str) -> Export | None:
        return stale.pop() if stale else read(export_id)

    world.services.store.change_gate({"limit": None})
    world.driver.run(until=world.clock.now())
    call_api(world.services, "PUT", "/capacity", {})
    assert world.export("racing").status is Status.RUNNING
    monkeypatch.setattr(world.services.store, "export", read_stale)
    assert cancel(world.services, "racing") is Status.RUNNING


def test_an_end_that_was_announced_stays_though_it_is_cancelled_before_it_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, dies = Store.finish, iter([True])

    def finish(store: Store, *args: Any) -> None:
        if next(dies, False):
            with pytest.raises(AlreadyEndedError):
                cancel(world.services, "announced")
            raise TransientError("died between the event and the end")
        real(store, *args)

    monkeypatch.setattr(Store, "finish", finish)
    run_step = world.driver._run_step

    def repeated(step: Any) -> None:
        try:
            run_step(step)
        except TransientError:
            run_step(step)

    monkeypatch.setattr(world.driver, "_run_step", repeated)
    world.send(message("announced"))
    world.driver.run()
    assert next(dies, None) is None, "the death was never reached"
    assert world.export("announced").status is Status.COMPLETED


def test_a_cancellation_that_comes_before_the_end_is_announced_is_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Store.begin_end

    def begin_end(store: Store, *args: Any) -> None:
        cancel(world.services, "in-time")
        real(store, *args)

    monkeypatch.setattr(Store, "begin_end", begin_end)
    world.send(message("in-time"))
    world.driver.run()
    assert world.export("in-time").status is Status.CANCELLED
    assert world.export("in-time").files == ()

"""What is announced stays true, whichever step dies and is repeated with another outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from snapshot_export.adapters.table.dynamodb import update_of
from snapshot_export.adapters.table.store import Store
from snapshot_export.domain.export import ErrorInfo, Status
from snapshot_export.errors import AlreadyEndedError, ConditionFailedError, TransientError
from snapshot_export.flows.export.cancel import cancel
from snapshot_export.flows.export.start import start_admitted
from tests.flows.test_events import Sent, sent
from tests.support.messages import message
from tests.support.world import World

__all__ = ["sent"]
START = "StartDashboardSnapshotJob"
RESULT = "DescribeDashboardSnapshotJobResult"


def die_before_the_end_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch, then: Callable[[], None]
) -> None:
    """The first write of an end dies; `then` changes what a repeated step will find."""
    real, dies = Store.finish, iter([True])

    def finish(store: Store, *args: Any) -> None:
        if next(dies, False):
            then()
            raise TransientError("died between the event and the end")
        real(store, *args)

    run_step = world.driver._run_step

    def repeated(step: Any) -> None:
        try:
            run_step(step)
        except TransientError:
            run_step(step)

    monkeypatch.setattr(Store, "finish", finish)
    monkeypatch.setattr(world.driver, "_run_step", repeated)


def one_end(events: Sent) -> dict[str, Any]:
    """What every announcement of the one end says."""
    assert len(events) == 2, "announced, and announced again"
    assert events[0] == events[1]
    return events[0][1]


def test_a_start_that_would_work_when_repeated_starts_nothing_after_a_failure_was_announced(
    world: World, monkeypatch: pytest.MonkeyPatch, sent: Sent
) -> None:
    die_before_the_end_is_written(world, monkeypatch, lambda: None)
    world.switch("raise_exception", Operation=START, Exception="AccessDeniedException")
    world.send(message("refused"))
    world.driver.run()
    export = world.export("refused")
    assert (export.status, export.error and export.error.code) == (Status.FAILED, "AccessDenied")
    assert (one_end(sent)["Status"], world.ledger()["jobs"]) == ("FAILED", [])
    assert world.services.store.gate().running == 0


def test_a_result_that_is_refused_when_repeated_leaves_the_announced_completion(
    world: World, monkeypatch: pytest.MonkeyPatch, sent: Sent
) -> None:
    def refuse() -> None:
        world.switch("raise_exception", Operation=RESULT, Exception="AccessDeniedException")

    die_before_the_end_is_written(world, monkeypatch, refuse)
    world.send(message("done"))
    world.driver.run()
    export = world.export("done")
    assert (export.status, export.error) == (Status.COMPLETED, None)
    assert [bool(file.uri and file.size) for file in export.files] == [True]
    assert one_end(sent)["Files"][0]["S3Uri"] == export.files[0].uri


def test_another_failure_when_repeated_leaves_the_announced_one(
    world: World, monkeypatch: pytest.MonkeyPatch, sent: Sent
) -> None:
    def refuse() -> None:
        world.switch("raise_exception", Operation=RESULT, Exception="AccessDeniedException")

    die_before_the_end_is_written(world, monkeypatch, refuse)
    world.switch("fail_job", ErrorType="DATASET_DELETED")
    world.send(message("failed"))
    world.driver.run()
    export = world.export("failed")
    assert (export.status, export.error and export.error.code) == (
        Status.FAILED,
        "DATASET_DELETED",
    )
    assert one_end(sent)["ErrorCode"] == "DATASET_DELETED"
    assert [*world.driver.ends.values()] == ["FAILED"]


def test_a_noted_end_takes_no_mark_no_start_and_no_other_place(world: World) -> None:
    world.send(message("ending"))
    store, export = world.services.store, world.export("ending")
    record = store.attempt("ending")
    assert record is not None
    done = Status.FAILED, ErrorInfo("X"), world.clock.now()
    noted = export.__class__(
        **vars(export) | dict(zip(("status", "error", "finished_at"), done, strict=True))
    )
    store.begin_end(record, noted)
    for other in (noted, export.__class__(**vars(noted) | {"status": Status.COMPLETED})):
        with pytest.raises(ConditionFailedError):
            store.begin_end(record, other)
    with pytest.raises(ConditionFailedError):
        store.hand_back(record, export, world.clock.now())
    with pytest.raises(AlreadyEndedError):
        cancel(world.services, "ending")
    start_admitted(world.services, record)
    assert world.ledger()["jobs"] == []
    world.driver.run()
    assert world.export("ending").error == ErrorInfo("X")


def test_an_end_that_an_older_version_noted_is_completed_as_it_was_noted(world: World) -> None:
    """It noted the status only."""
    world.send(message("older"))
    key = world.keys.export("older")
    world.services.store._table.update(
        update_of(key, "SET ending = :end", values={":end": Status.FAILED})
    )
    world.driver.run()
    assert (world.export("older").status, world.ledger()["jobs"]) == (Status.FAILED, [])


def test_a_cancelled_export_is_not_queued_again(world: World) -> None:
    world.send(message("marked"))
    world.driver.run(until=world.clock.now() + 5)
    store, record = world.services.store, world.services.store.attempt("marked")
    assert record is not None
    store.release(record, "FAILED", world.clock.now(), world.clock.now())
    export = world.export("marked")
    cancel(world.services, "marked")
    with pytest.raises(ConditionFailedError):
        store.queue_next(record, export, world.clock.now() + 9)
    assert store.count_waiting(9) == 0


def test_a_retry_and_a_hand_back_keep_the_mark_of_a_deadline_at_risk(world: World) -> None:
    world.switch("fail_job", ErrorType="INTERNAL_FAILURE")
    world.send(message("late", Deadline="2027-01-16T00:00:00Z"))
    store, record = world.services.store, world.services.store.attempt("late")
    assert record is not None
    store.mark_at_risk(record, world.clock.now())
    store.hand_back(record, world.export("late"), world.clock.now())
    assert [entry.at_risk for entry in store.waiting(9)] == [True]
    while world.export("late").attempt == 1:
        world.driver.run(until=world.clock.now() + 1)
    assert [entry.at_risk for entry in store.waiting(9)] == [True]

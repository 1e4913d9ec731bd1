"""Requests that start after their data: judged together, started, sent, failed, held, released."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.quicksight.catalogue import DataSet
from snapshot_export.domain.burst import BurstStatus
from snapshot_export.domain.data_wait import Outcome
from snapshot_export.domain.export import Status
from snapshot_export.errors import AlreadyEndedError, NotHeldError, TransientError
from snapshot_export.flows.burst.cancel import cancel_burst
from snapshot_export.flows.burst.release import release_burst
from snapshot_export.flows.data.release import release_export
from snapshot_export.flows.export.cancel import cancel
from snapshot_export.flows.periodic.start_after_data import start_after_data
from tests.support.api import call_api
from tests.support.bursts import burst, manifest_of, recipient
from tests.support.messages import message
from tests.support.world import World

SALES = "fresh-sales"
AFTER = {"DataSets": [SALES], "Since": "PT1H", "Until": "PT30M"}


def after(**more: Any) -> dict[str, Any]:
    return {"After": AFTER | more}


def refresh(world: World, name: str, data_set: str = SALES, **ends: Any) -> None:
    """Start a refresh that ends so."""
    world.switch("refresh", **ends)
    client = world.session.client("quicksight")
    client.create_ingestion(
        AwsAccountId=world.settings.quicksight_account_id, DataSetId=data_set, IngestionId=name
    )


def look(world: World) -> int:
    """One pass, as the reconciler makes it."""
    return start_after_data(world.services, stop_at=world.clock.now() + 20)


def calls(world: World, operation: str) -> int:
    return sum(each["operation"] == operation for each in world.ledger()["calls"])


@pytest.fixture(autouse=True)
def data_set(world: World) -> None:
    world.quicksight.emulator.put_data_set(DataSet(SALES, "Fresh sales"))


def test_it_waits_takes_no_slot_and_starts_once_its_data_is_refreshed(world: World) -> None:
    assert world.send(message("daily", **after())) is Status.QUEUED
    world.clock.sleep(60)
    assert look(world) == 0
    assert world.export("daily").status is Status.WAITING_FOR_DATA
    assert world.services.store.gate().running == 0
    refresh(world, "morning", Seconds=120)
    assert look(world) == 0
    world.clock.sleep(121)
    assert look(world) == 1
    world.driver.run()
    done = world.export("daily")
    assert done.status is Status.COMPLETED and done.data is not None
    assert done.data.outcome is Outcome.READY and not done.warnings
    assert done.data.data_sets[0].reason == "it was refreshed"
    assert world.services.waits.groups() == []


def test_many_that_wait_for_one_data_set_are_one_question(world: World) -> None:
    for number in range(5):
        world.send(message(f"one-{number}", **after()))
    world.send({"Burst": burst(recipients=[recipient(1)], **after())})
    before = calls(world, "ListIngestions")
    look(world)
    assert calls(world, "ListIngestions") == before + 1
    described = calls(world, "DescribeDataSet")
    look(world)
    assert calls(world, "DescribeDataSet") == described
    assert calls(world, "ListIngestions") == before + 2


def test_what_is_queried_directly_is_ready_at_once(world: World) -> None:
    world.quicksight.emulator.put_data_set(DataSet(SALES, "Sales", import_mode="DIRECT_QUERY"))
    world.send(message("daily", **after()))
    assert look(world) == 1
    assert calls(world, "ListIngestions") == 0
    assert world.export("daily").status in (Status.QUEUED, Status.RUNNING)


def test_a_refresh_that_began_before_since_does_not_count(world: World) -> None:
    refresh(world, "yesterday", Seconds=1)
    world.clock.sleep(7200)
    world.send(message("daily", **after()))
    assert look(world) == 0
    world.clock.sleep(1900)
    assert look(world) == 1
    failed = world.export("daily")
    assert failed.status is Status.FAILED and failed.error is not None
    assert failed.error.code == "DATA_NOT_READY"
    assert "no refresh has begun since" in failed.error.message
    assert SALES in failed.error.message


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_a_refresh_that_failed_waits_for_another_until_its_time_is_up(
    world: World, status: str
) -> None:
    world.send(message("daily", **after(Otherwise="SEND")))
    refresh(world, "first", Status=status)
    assert look(world) == 0
    world.clock.sleep(1801)
    assert look(world) == 1
    world.driver.run()
    sent = world.export("daily")
    assert sent.status is Status.COMPLETED and sent.data is not None
    assert sent.data.outcome is Outcome.SENT_ANYWAY
    assert [each.code for each in sent.warnings] == ["DATA_NOT_READY"]
    assert status in sent.warnings[0].message


def test_dropped_rows_are_reported_or_do_not_count(world: World) -> None:
    world.send(message("lenient", **after()))
    world.send(message("strict", **after(MaxRowsDropped=0)))
    refresh(world, "leaky", RowsDropped=7)
    assert look(world) == 1
    lenient = world.export("lenient")
    assert [each.message for each in lenient.warnings] == ["The refresh dropped 7 rows."]
    assert world.export("strict").status is Status.WAITING_FOR_DATA
    world.clock.sleep(1801)
    look(world)
    error = world.export("strict").error
    assert error and error.message.endswith("its refresh dropped too many rows, 7 rows dropped")


def test_one_data_set_that_is_not_ready_holds_all_up(world: World) -> None:
    world.quicksight.emulator.put_data_set(DataSet("other", "Other"))
    world.send(message("daily", **after(DataSets=[SALES, "other"])))
    refresh(world, "morning")
    assert look(world) == 0
    refresh(world, "morning", "other")
    assert look(world) == 1


def test_the_data_sets_of_the_dashboard_are_found(world: World) -> None:
    world.send(message("daily", **after(DataSets="DASHBOARD")))
    wait = world.export("daily").wait
    assert wait is not None and wait.data_sets == ("sales",)


def test_a_data_set_that_is_gone_is_decided_at_once(world: World) -> None:
    world.send(message("daily", **after(DataSets=["nowhere"])))
    assert look(world) == 1
    error = world.export("daily").error
    assert error and "does not exist" in error.message


def test_what_cannot_be_read_is_never_taken_for_ready(world: World) -> None:
    world.send(message("daily", **after()))
    refresh(world, "morning")
    world.switch("raise_exception", Operation="ListIngestions", Exception="AccessDeniedException")
    assert look(world) == 0
    assert look(world) == 1


def test_throttled_questions_decide_nothing(world: World) -> None:
    world.send(message("daily", **after()))
    world.clock.sleep(1801)
    world.switch(
        "raise_exception", Operation="ListIngestions", Exception="ThrottlingException", times=2
    )
    assert look(world) == 0
    world.clock.sleep(601)
    assert look(world) == 1
    error = world.export("daily").error
    assert error and "QuickSight could not be asked" in error.message


def test_one_that_is_held_is_announced_and_released_once(world: World) -> None:
    world.send(message("daily", **after(Otherwise="HOLD")))
    world.clock.sleep(1801)
    assert look(world) == 1
    assert world.export("daily").status is Status.HELD
    assert look(world) == 0
    released = release_export(world.services, "daily")
    assert released.status is Status.RUNNING
    assert release_export(world.services, "daily").status is Status.RUNNING
    world.driver.run()
    done = world.export("daily")
    assert done.status is Status.COMPLETED and done.data is not None
    assert done.data.outcome is Outcome.RELEASED
    assert [each.code for each in done.warnings] == ["DATA_NOT_READY"]
    with pytest.raises(AlreadyEndedError):
        release_export(world.services, "daily")


def test_what_waits_and_what_is_held_can_be_cancelled(world: World) -> None:
    world.send(message("waits", **after()))
    world.send(message("held", **after(Otherwise="HOLD")))
    assert cancel(world.services, "waits") is Status.CANCELLED
    world.clock.sleep(1801)
    look(world)
    assert cancel(world.services, "held") is Status.CANCELLED
    look(world)
    assert world.services.waits.groups() == []


def test_a_burst_waits_as_one_and_is_expanded_then(world: World) -> None:
    world.send({"Burst": burst(recipients=[recipient(1), recipient(2)], **after())})
    assert world.burst_queue.sent == []
    found = world.services.bursts.find("burst-1")
    assert found is not None and found.status is BurstStatus.WAITING_FOR_DATA
    world.driver.run(until=world.clock.now() + 300)
    refresh(world, "morning", RowsDropped=2)
    assert look(world) == 1
    world.driver.run()
    done = world.services.bursts.find("burst-1")
    assert done is not None and done.status is BurstStatus.COMPLETED and done.completed == 2
    manifest = manifest_of(world, "burst-1")
    assert manifest["Data"]["Outcome"] == "READY"
    assert manifest["Data"]["DataSets"][0]["RowsDropped"] == 2
    assert [each["Code"] for each in manifest["Warnings"]] == ["ROWS_DROPPED"]


def test_the_forecast_shows_what_waits_for_data_beside_its_times(world: World) -> None:
    world.services.refreshes.learn(SALES, 600.0)
    world.send(message("daily", **after(Otherwise="HOLD")))
    world.send({"Burst": burst(recipients=[recipient(1)], **after(Otherwise="HOLD"))})
    world.send(message("other", **after(DataSets=["other"])))
    answer = call_api(world.services, "GET", "/forecast").body
    assert answer["FinishP50"] is None and answer["Waiting"] == 0
    by_data_set = {each["DataSetIds"][0]: each for each in answer["WaitingForData"]}
    assert by_data_set[SALES]["Requests"] == 2 and by_data_set[SALES]["Otherwise"] == "HOLD"
    assert 600 < by_data_set[SALES]["RefreshSeconds"] < 1800
    assert by_data_set["other"]["RefreshSeconds"] is None


def test_how_long_refreshes_take_is_learned_once_from_each_decision(world: World) -> None:
    for number in range(3):
        world.send(message(f"one-{number}", **after()))
    refresh(world, "morning", Seconds=300)
    world.clock.sleep(301)
    assert look(world) == 3
    assert world.services.refreshes.longest([SALES]) >= 300
    assert world.services.refreshes.longest(["never-seen"]) == 0.0


def test_a_burst_whose_data_does_not_come_fails_with_a_manifest(world: World) -> None:
    world.send({"Burst": burst(recipients=[recipient(1)], **after())})
    world.clock.sleep(1801)
    assert look(world) == 1
    world.driver.run()
    done = world.services.bursts.find("burst-1")
    assert done is not None and done.status is BurstStatus.FAILED and done.accepted == 0
    manifest = manifest_of(world, "burst-1")
    assert manifest["Error"]["Code"] == "DATA_NOT_READY"
    assert manifest["Data"]["Outcome"] == "FAILED"
    assert done.failure_summary == "the burst itself failed: DATA_NOT_READY"


def test_a_burst_is_held_released_and_cancelled(world: World) -> None:
    for name in ("one", "two"):
        world.send({"Burst": burst(name, recipients=[recipient(1)], **after(Otherwise="HOLD"))})
    world.clock.sleep(1801)
    assert look(world) == 2
    found = world.services.bursts.find("one")
    assert found is not None and found.status is BurstStatus.HELD
    assert release_burst(world.services, "one").status is BurstStatus.EXPANDING
    cancel_burst(world.services, "two")
    world.driver.run()
    ends = [world.services.bursts.find(name) for name in ("one", "two")]
    assert [each and each.status.value for each in ends] == ["COMPLETED", "CANCELLED"]
    assert manifest_of(world, "one")["Data"]["Outcome"] == "RELEASED"
    with pytest.raises(NotHeldError):
        release_burst(world.services, "two")


def test_a_pass_that_dies_goes_on_with_the_same_decision(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        world.send(message(f"one-{number}", **after()))
    world.clock.sleep(1801)
    sent = world.services.events.announce_end
    monkeypatch.setattr(
        world.services.events, "announce_end", lambda _: (_ for _ in ()).throw(TransientError("x"))
    )
    with pytest.raises(TransientError):
        look(world)
    refresh(world, "late")
    monkeypatch.setattr(world.services.events, "announce_end", sent)
    assert look(world) == 3
    ends = [world.export(f"one-{number}").status for number in range(3)]
    assert ends == [Status.FAILED] * 3
    with pytest.raises(AlreadyEndedError):
        cancel(world.services, "one-0")


def test_the_same_request_again_changes_nothing(world: World) -> None:
    body = message("daily", **after())
    world.send(body)
    refresh(world, "morning")
    look(world)
    assert world.send(body) is Status.QUEUED
    assert world.export("daily").status in (Status.QUEUED, Status.RUNNING)
    assert world.send(message("daily")) is Status.REJECTED
    assert json.loads(json.dumps(world.rejected()[0]["Reason"]))["Problems"]

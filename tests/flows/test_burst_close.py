"""A burst is closed when it is over, and announced when all that it left can be read."""

from __future__ import annotations

from typing import Any

import pytest

from snapshot_export.adapters.table.dynamodb import update_of
from snapshot_export.domain.burst import Burst, BurstStatus, Work
from snapshot_export.domain.export import ErrorInfo
from snapshot_export.errors import TransientError
from snapshot_export.flows.burst.close import close_burst
from tests.support.bursts import burst, manifest_of, recipient, report_of
from tests.support.world import World


@pytest.fixture
def announced(world: World, monkeypatch: pytest.MonkeyPatch) -> list[BurstStatus]:
    """What bursts were announced as; manifest and report must be there by then."""
    seen: list[BurstStatus] = []

    def announce(ended: Any, *_addresses: str) -> None:
        assert manifest_of(world, "many") and report_of(world, "many")
        seen.append(ended.final_status)

    monkeypatch.setattr(world.services.events, "announce_burst", announce)
    return seen


def test_only_a_burst_that_is_over_is_closed(world: World, announced: list[BurstStatus]) -> None:
    world.send({"Burst": burst("many", [recipient(1)])})
    for work in (Work.EXPAND, None):
        before = world.services.bursts.find("many")
        assert before is not None and before.work_left is work
        close_burst(world.services, "many")
        assert (world.services.bursts.find("many"), announced) == (before, [])
        world.work_on_bursts()
    close_burst(world.services, "nowhere")
    world.driver.run()
    assert announced == [BurstStatus.COMPLETED]
    close_burst(world.services, "many")
    assert announced == [BurstStatus.COMPLETED]


def test_a_closing_is_seen_to_be_under_way_before_anything_is_written(
    world: World, announced: list[BurstStatus], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the reconciler would ask for another meanwhile."""
    world.send({"Burst": burst("many", [recipient(1)])})
    monkeypatch.setattr(world.burst_queue, "send", lambda _burst_id, _work: None)
    world.work_on_bursts()
    world.driver.run(until=world.clock.now() + 90, reconcile_every=1e6)
    began = world.clock.now()

    def die(*_: Any) -> None:
        raise TransientError("before the manifest")

    with monkeypatch.context() as patches:
        patches.setattr(world.services.manifests, "write", die)
        with pytest.raises(TransientError):
            close_burst(world.services, "many")
    closing = world.services.bursts.find("many")
    assert closing is not None and closing.touched_at == began
    close_burst(world.services, "many")
    assert announced == [BurstStatus.COMPLETED]


def is_over(world: World, monkeypatch: pytest.MonkeyPatch) -> Burst:
    """A burst whose export has ended, and whose messages got lost."""
    world.send({"Burst": burst("many", [recipient(1)])})
    world.work_on_bursts()
    monkeypatch.setattr(world.burst_queue, "send", lambda _burst_id, _work: None)
    world.driver.run(until=world.clock.now() + 90, reconcile_every=1e6)
    found = world.services.bursts.find("many")
    assert found is not None and found.work_left is Work.CLOSE
    return found


def test_records_that_would_expire_too_early_are_renewed_before_the_close(
    world: World, announced: list[BurstStatus], monkeypatch: pytest.MonkeyPatch
) -> None:
    over = is_over(world, monkeypatch)
    world.clock.sleep(2 * 86_400)
    close_burst(world.services, "many")
    closed = world.services.bursts.find("many")
    assert closed is not None and (closed.kept_until or 0) > world.clock.now()
    assert (over.kept_until or 0) < world.clock.now() and announced == [BurstStatus.COMPLETED]


@pytest.mark.parametrize("before", [None, ErrorInfo("MANIFEST_CHANGED", "it was replaced")])
def test_a_loss_is_reported_unless_the_burst_has_an_error_of_its_own(
    world: World,
    announced: list[BurstStatus],
    monkeypatch: pytest.MonkeyPatch,
    before: ErrorInfo | None,
) -> None:
    is_over(world, monkeypatch)
    table, lost = world.services.store._table, {":read": 5, ":error": before and vars(before)}
    text = "SET #read = :read" + (", #error = :error" if before else "")
    table.update(update_of(("BURST#many", "BURST"), text, values=lost))
    close_burst(world.services, "many")
    closed = world.services.bursts.find("many")
    assert closed is not None and closed.error is not None
    assert closed.error.code == (before.code if before else "MANIFEST_RECORDS_LOST")
    assert announced == [BurstStatus.FAILED]

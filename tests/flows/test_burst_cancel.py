"""A burst is cancelled slice by slice, and the last slice asks for its closing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from snapshot_export.domain.burst import Burst, BurstStatus, Work
from snapshot_export.domain.export import Status
from snapshot_export.errors import AlreadyEndedError
from snapshot_export.flows.burst import cancel as flow
from snapshot_export.flows.burst.cancel import cancel_burst, drain
from snapshot_export.flows.export.cancel import cancel
from tests.flows.test_slots import set_gate
from tests.support.bursts import burst, recipient
from tests.support.world import World


@pytest.fixture
def waiting(world: World) -> World:
    """A burst of two whose exports wait; its messages are looked at, not worked on."""
    set_gate(world, "limit", 0)
    world.send({"Burst": burst("many", [recipient(1), recipient(2)])})
    world.work_on_bursts()
    assert statuses(world) == [Status.QUEUED, Status.QUEUED]
    return world


def statuses(world: World) -> list[Status]:
    return [world.export(f"many-{line}").status for line in (1, 2)]


def record(world: World) -> Burst:
    found = world.services.bursts.find("many")
    assert found is not None
    return found


def test_the_last_slice_asks_for_the_closing_however_late_it_is(waiting: World) -> None:
    asked = waiting.burst_queue.sent
    cancel_burst(waiting.services, "many")
    assert asked == [("many", Work.DRAIN)]
    drain(waiting.services, "many", stop_at=waiting.clock.now())
    assert statuses(waiting) == [Status.CANCELLED, Status.CANCELLED]
    assert {work for _, work in asked[1:]} == {Work.CLOSE}
    assert record(waiting).work_left is Work.CLOSE


def test_a_slice_at_the_end_of_its_time_hands_the_rest_on(
    waiting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "MAX_READ_AT_ONCE", 1)
    asked = waiting.burst_queue.sent
    cancel_burst(waiting.services, "many")
    drain(waiting.services, "many", stop_at=waiting.clock.now())
    assert statuses(waiting) == [Status.CANCELLED, Status.QUEUED]
    assert (asked, record(waiting).drained_to) == ([("many", Work.DRAIN)] * 2, 2)
    drain(waiting.services, "many", stop_at=waiting.clock.now() + 60)
    assert statuses(waiting) == [Status.CANCELLED, Status.CANCELLED]


def test_the_last_slice_asks_for_the_closing_also_where_nothing_was_left_to_cancel(
    waiting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function that cancelled the last export died before it asked."""
    cancel_burst(waiting.services, "many")
    for line in (1, 2):
        cancel(waiting.services, f"many-{line}")
    waiting.burst_queue.sent.clear()
    drain(waiting.services, "many", stop_at=waiting.clock.now() + 60)
    assert waiting.burst_queue.sent == [("many", Work.CLOSE)]


def test_a_burst_without_recipients_yet_is_closed_at_once(world: World) -> None:
    world.send({"Burst": burst("many", [recipient(1)])})
    world.burst_queue.sent.clear()
    cancel_burst(world.services, "many")
    assert world.burst_queue.sent == [("many", Work.CLOSE)]


def nothing(_world: World) -> None:
    pass


def end(world: World) -> None:
    cancel_burst(world.services, "many")
    world.work_on_bursts()


@pytest.mark.parametrize(("before", "name"), [(nothing, "many"), (end, "many"), (end, "nowhere")])
def test_only_a_burst_that_was_cancelled_and_has_not_ended_is_drained(
    waiting: World, before: Callable[[World], None], name: str
) -> None:
    before(waiting)
    exports, burst_now = statuses(waiting), record(waiting)
    waiting.burst_queue.sent.clear()
    drain(waiting.services, name, stop_at=waiting.clock.now() + 60)
    assert (statuses(waiting), record(waiting)) == (exports, burst_now)
    assert waiting.burst_queue.sent == []


def test_a_burst_that_ends_while_it_is_cancelled_is_reported_as_it_ended(
    waiting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, stale = waiting.services.bursts.find, [record(waiting)]
    end(waiting)
    assert record(waiting).status is BurstStatus.CANCELLED
    monkeypatch.setattr(
        waiting.services.bursts, "find", lambda name: stale.pop() if stale else find(name)
    )
    with pytest.raises(AlreadyEndedError, match="CANCELLED"):
        cancel_burst(waiting.services, "many")

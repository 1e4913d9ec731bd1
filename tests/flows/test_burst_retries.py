"""What each write of a retry depends on: of two at once one goes on, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from snapshot_export.adapters.table.burst_records import burst_key
from snapshot_export.adapters.table.dynamodb import delete_of, update_of
from snapshot_export.domain.burst import Burst, BurstStatus, Work
from snapshot_export.domain.burst_retry import RetryPlan, run_again
from snapshot_export.domain.export import Export, Status
from snapshot_export.errors import ConditionFailedError
from snapshot_export.flows.burst.work import work_on_burst
from tests.flows.test_retry import call, check_counts, ends, found, refuse_starts, run_burst
from tests.support.world import World

FAILED_ONES = RetryPlan(lines=None, deadline=None)


@pytest.fixture
def opened(world: World) -> Burst:
    """A burst of two that failed, as a retry opened it; nothing is admitted."""
    refuse_starts(world, 2)
    run_burst(world, 2)
    world.services.store.change_gate({"limit": 0})
    assert call(world).status == 202
    world.burst_queue.sent.clear()
    return found(world)


def pairs(world: World, burst: Burst) -> list[tuple[Export, Export]]:
    return [
        (each, run_again(each, burst, deadline=None, rank=each.rank))
        for each in (world.export(f"burst-1-{line}") for line in (1, 2))
    ]


def change(world: World, key: tuple[str, str], text: str, **values: Any) -> None:
    given = {f":{name}": value for name, value in values.items()}
    world.services.store._table.update(update_of(key, text, values=given))


def test_a_burst_is_opened_once_from_the_end_that_was_read(world: World, opened: Burst) -> None:
    stale = replace(opened, status=BurstStatus.FAILED, revision=1)
    with pytest.raises(ConditionFailedError):
        world.services.retries.begin(stale, opened, FAILED_ONES)
    later = replace(opened, status=BurstStatus.RUNNING, revision=1)
    with pytest.raises(ConditionFailedError):
        world.services.retries.begin(later, replace(opened, revision=3), FAILED_ONES)
    assert found(world) == opened


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("SET retried_to = :place", {"place": 2}),
        ("SET revision = :next", {"next": 3}),
        ("SET draining_at = :at", {"at": 1}),
        ("SET #status = :end", {"end": "FAILED"}),
    ],
)
def test_a_slice_is_put_back_only_by_who_knows_the_burst_as_it_is(
    world: World, opened: Burst, text: str, values: dict[str, Any]
) -> None:
    change(world, burst_key("burst-1"), text, **values)
    with pytest.raises(ConditionFailedError) as raised:
        world.services.retries.requeue(opened, replace(opened, retried_to=3), pairs(world, opened))
    assert raised.value.failed == (0,)
    assert ends(world, 2) == ["FAILED", "FAILED"] and found(world).failed == 2


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("SET #status = :other", {"other": "CANCELLED"}),
        ("SET attempt = :next", {"next": 2}),
        ("SET admission = :next", {"next": 9}),
    ],
)
def test_an_export_that_moved_keeps_its_whole_slice_where_it_is(
    world: World, opened: Burst, text: str, values: dict[str, Any]
) -> None:
    seen = pairs(world, opened)
    change(world, world.keys.export("burst-1-2"), text, **values)
    with pytest.raises(ConditionFailedError) as raised:
        world.services.retries.requeue(opened, replace(opened, retried_to=3), seen)
    assert raised.value.failed == (3,)
    assert world.export("burst-1-1").status is Status.FAILED
    assert world.services.store.count_waiting(9) == 0 and found(world) == opened


def test_what_moved_since_it_was_read_is_read_again(
    world: World, opened: Burst, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record of one export expires between the read and the write."""
    real: Callable[..., None] = world.services.retries.requeue
    calls: list[int] = []

    def requeue(seen: Burst, after: Burst, exports: Any) -> None:
        calls.append(len(exports))
        if len(calls) == 1:
            world.services.store._table.write(delete_of(world.keys.export("burst-1-1")))
        real(seen, after, exports)

    monkeypatch.setattr(world.services.retries, "requeue", requeue)
    work_on_burst(world.services, "burst-1", Work.RETRY, stop_at=world.clock.now() + 600)
    assert calls == [2, 1]
    assert world.export("burst-1-2").status is Status.QUEUED and found(world).open == 1


def test_of_two_works_at_once_one_goes_on(
    world: World, opened: Burst, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., None] = world.services.retries.requeue

    def requeue(seen: Burst, after: Burst, exports: Any) -> None:
        monkeypatch.setattr(world.services.retries, "requeue", real)
        work_on_burst(world.services, "burst-1", Work.RETRY, stop_at=world.clock.now() + 600)
        real(seen, after, exports)

    monkeypatch.setattr(world.services.retries, "requeue", requeue)
    work_on_burst(world.services, "burst-1", Work.RETRY, stop_at=world.clock.now() + 600)
    assert world.services.store.count_waiting(9) == 2
    check_counts(world)
    world.services.store.change_gate({"limit": None})
    world.driver.run()
    assert ends(world, 2) == ["COMPLETED", "COMPLETED"] and len(world.ledger()["jobs"]) == 2


@pytest.mark.parametrize(
    ("body", "answered"),
    [
        ({"Revision": 2}, (202, None)),
        ({"Revision": 2, "RecipientIds": ["r-1"]}, (409, "REVISION_CONFLICT")),
    ],
    ids=["the same", "another"],
)
def test_of_two_calls_at_once_one_opens_the_burst(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    body: dict[str, Any],
    answered: tuple[int, str | None],
) -> None:
    refuse_starts(world, 2)
    run_burst(world, 2)
    world.services.store.change_gate({"limit": 0})
    real: Callable[..., None] = world.services.retries.begin

    def begin(seen: Burst, again: Burst, plan: RetryPlan) -> None:
        monkeypatch.setattr(world.services.retries, "begin", real)
        assert call(world, {"Revision": 2}).status == 202
        real(seen, again, plan)

    monkeypatch.setattr(world.services.retries, "begin", begin)
    answer = call(world, body)
    assert (answer.status, answer.body.get("Code")) == answered
    assert found(world).revision == 2
    assert world.services.retries.plan("burst-1") == FAILED_ONES

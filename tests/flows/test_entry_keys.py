"""A key is made once and carried: an entry is found again whatever its members round to."""

from __future__ import annotations

import math
from typing import Any

import pytest

from snapshot_export.adapters.table.dynamodb import update_of
from snapshot_export.adapters.table.records import due_key
from snapshot_export.adapters.table.store import Store
from snapshot_export.domain.export import Attempt, Export, Status
from snapshot_export.flows.export.cancel import cancel
from tests.support.messages import message
from tests.support.world import World

ROUNDS_UP_WHEN_STORED = 0.1214995
"""Milliseconds of it: 121 as a float of this size, 122 once it is rounded to six digits."""


@pytest.fixture
def retrying(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """One export waits for its retry, due at an instant whose milliseconds rounding changes."""
    real = Store.queue_next

    def queue_next(
        store: Store, attempt: Attempt, export: Export, due_at: float | None = None
    ) -> None:
        real(store, attempt, export, due_at and math.floor(due_at) + ROUNDS_UP_WHEN_STORED)

    monkeypatch.setattr(Store, "queue_next", queue_next)
    world.clock.time = 1_795_650_000.0
    world.switch("fail_job", ErrorType="INTERNAL_FAILURE")
    world.send(message("again"))
    while world.export("again").status is not Status.QUEUED:
        world.driver.run(until=world.clock.now() + 1)
    due_at = world.export("again").due_at
    (entry,) = world.services.store.waiting(9)
    assert entry.key and not entry.key[1].startswith(due_key(due_at)), "a key that differs"
    return world


def test_a_retry_is_admitted_and_stops_nobody(retrying: World) -> None:
    retrying.send(message("behind"))
    retrying.driver.run()
    assert retrying.export("again").status is Status.COMPLETED
    assert retrying.export("behind").status is Status.COMPLETED


def test_a_retry_is_cancelled_with_its_entry(retrying: World) -> None:
    assert cancel(retrying.services, "again") is Status.RUNNING, "what it left is taken back"
    assert retrying.services.store.count_waiting(9) == 0
    retrying.driver.run()
    assert retrying.export("again").status is Status.CANCELLED


def test_a_retry_is_marked_as_at_risk_where_it_waits(retrying: World) -> None:
    (entry,) = retrying.services.store.waiting(9)
    retrying.services.store.mark_at_risk(entry, retrying.clock.now())
    (marked,) = retrying.services.store.waiting(9)
    assert marked.at_risk


def test_a_retry_of_a_version_that_kept_no_key_is_cancelled_and_its_entry_dropped(
    retrying: World,
) -> None:
    key = retrying.keys.export("again")
    retrying.services.store._table.update(update_of(key, "REMOVE entry_key", values={}))
    assert cancel(retrying.services, "again") is Status.RUNNING
    retrying.clock.sleep(60)
    retrying.send(message("behind"))
    retrying.driver.run()
    assert retrying.services.store.count_waiting(9) == 0
    ends: dict[str, Any] = {name: retrying.export(name).status for name in ("again", "behind")}
    assert ends == {"again": Status.CANCELLED, "behind": Status.COMPLETED}

"""Work on a burst dies between any two of its writes: nothing is lost, nothing is twice.

Every call to AWS that expansion, draining and closing make is a place to die, before the call and
after it took effect. The places are counted by a first run, so new code is covered by being called.
"""

from __future__ import annotations

from typing import Any

import pytest

from snapshot_export.domain.burst import BurstStatus, Work
from snapshot_export.domain.export import Status
from snapshot_export.flows.burst.cancel import cancel_burst
from snapshot_export.flows.burst.work import work_on_burst
from snapshot_export.flows.periodic.reconcile import reconcile
from tests.support.bursts import burst, csv_manifest, manifest_of, report_of
from tests.support.world import World

MANY, FEW = range(2, 62), range(2, 14)
"""Lines of recipients: of two slices, or of one."""
UNTAGGED, TWICE = (10, 55), {58: "R-5"}
"""Lines without a tag, and one of the second slice that has an id of the first."""
WRONG = (*UNTAGGED, *TWICE)
PLACES = 40
"""More than any work here has; those beyond the last are passed over."""


class KilledError(Exception):
    """The function died. No flow catches it; a BaseException would hang S3's upload threads."""


class Killer:
    """Kills the process at the n-th call that its boto3 clients make."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.at: int | None = None
        self.after = False
        clients: tuple[Any, ...] = (
            world.services.store._table._client,
            world.services.manifests._client,
            world.services.events._client,
            world.services.burst_work._client,
        )
        for client in clients:
            monkeypatch.setattr(client, "_make_api_call", self._wrap(client._make_api_call))

    def _wrap(self, real: Any) -> Any:
        def call(operation: str, request: dict[str, Any]) -> Any:
            self.calls += 1
            is_here = self.calls == self.at
            if is_here and not self.after:
                raise KilledError
            answer = real(operation, request)
            if is_here:
                raise KilledError
            return answer

        return call

    def arm(self, at: int | None, *, after: bool = False) -> None:
        """Die at the n-th call from now on, before it or after it took effect."""
        self.calls, self.at, self.after = 0, at, after


@pytest.fixture
def killer(world: World, monkeypatch: pytest.MonkeyPatch) -> Killer:
    return Killer(world, monkeypatch)


def send_burst(world: World, lines: range = MANY) -> None:
    tags = {line: "" if line in UNTAGGED else f"cust-{line:04d}" for line in lines}
    text = "".join(f"{TWICE.get(line, f'r-{line}')},{tag}\n" for line, tag in tags.items())
    manifest = csv_manifest(world, f"RecipientId,tag:customer_id\n{text}")
    assert world.send({"Burst": burst(Manifest=manifest)}) is Status.QUEUED


def revive(world: World) -> None:
    """The reconciler's next minutes; then the burst's work, as its messages ask for it."""
    for _ in range(4):
        world.clock.sleep(60)
        reconcile(world.services)
        world.work_on_bursts()


def check_accepted(world: World) -> None:
    """Every line is accepted once, or refused once."""
    record = world.services.bursts.find("burst-1")
    assert record is not None and record.expanded_at is not None
    lines = [refusal.line for refusal in world.services.bursts.refusals("burst-1")]
    assert lines == [*WRONG]
    assert (record.accepted, record.refused) == (len(MANY) - len(WRONG), len(WRONG))
    ids = [f"burst-1-{line}" for line in MANY if line not in WRONG]
    assert [export.export_id for export in world.services.bursts.exports(ids)] == ids


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_expansion_dies_at_each_of_its_calls(world: World, killer: Killer, after: bool) -> None:
    send_burst(world)
    deaths, at = 0, 0
    while True:
        at += 1
        world.burst_queue.sent.clear()
        killer.arm(at, after=after)
        try:
            work_on_burst(world.services, "burst-1", Work.EXPAND, stop_at=world.clock.now() + 600)
            break
        except KilledError:
            deaths += 1
        killer.arm(None)
        world.check_invariants()
        record = world.services.bursts.find("burst-1")
        assert record is not None
        if record.expanded_at is not None:
            break
    killer.arm(None)
    revive(world)
    assert deaths >= 6
    check_accepted(world)
    world.check_invariants()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_closing_dies_at_each_of_its_calls_and_the_burst_ends_once(
    world: World, killer: Killer, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    ends: list[str] = []
    real = world.services.events.announce_burst

    def announce(found: Any, *addresses: str) -> None:
        real(found, *addresses)
        ends.append(found.burst_id)

    monkeypatch.setattr(world.services.events, "announce_burst", announce)
    with monkeypatch.context() as patched:
        patched.setattr(world, "work_on_bursts", lambda: False)
        send_burst(world, FEW)
    world.burst_queue.sent.clear()
    work_on_burst(world.services, "burst-1", Work.EXPAND, stop_at=world.clock.now() + 600)
    with monkeypatch.context() as patched:
        patched.setattr("tests.support.world.work_on_burst", lambda *_, **__: None)
        world.driver.run()
    for write in (world.services.manifests.write, world.services.manifests.write_report):
        write("burst-1", 1, ["left by a closing before"])
    deaths = 0
    for at in range(1, PLACES):
        killer.arm(at, after=after)
        try:
            work_on_burst(world.services, "burst-1", Work.CLOSE, stop_at=0)
        except KilledError:
            deaths += 1
        else:
            break
    killer.arm(None)
    revive(world)
    calls = "find, touch, read, refusals, look, upload, refusals, look, upload, event, end"
    assert deaths == 11, calls
    record = world.services.bursts.find("burst-1")
    assert record is not None and record.status is BurstStatus.COMPLETED_WITH_FAILURES
    assert record.completed == len(FEW) - 1
    assert len(manifest_of(world, "burst-1")["Files"]) == len(FEW) - 1
    assert report_of(world, "burst-1").count('<span class="state completed">') == len(FEW) - 1
    assert ends, "announced at least once"
    assert world.services.bursts.unfinished_ids() == []
    announced = len(ends)
    revive(world)
    assert len(ends) == announced, "and never after its end"


def test_a_drain_dies_at_its_calls_and_cancels_all_the_same(world: World, killer: Killer) -> None:
    send_burst(world, FEW)
    world.work_on_bursts()
    cancel_burst(world.services, "burst-1")
    world.burst_queue.sent.clear()
    deaths = 0
    for at in (1, 2, 3, 5, 8, 13, 21, 34, 55):
        killer.arm(at, after=bool(at % 2))
        try:
            work_on_burst(world.services, "burst-1", Work.DRAIN, stop_at=world.clock.now() + 600)
        except KilledError:
            deaths += 1
    killer.arm(None)
    world.driver.run()
    assert deaths >= 5
    record = world.services.bursts.find("burst-1")
    assert record is not None and record.status is BurstStatus.CANCELLED
    assert record.cancelled == record.accepted == len(FEW) - 1


def test_a_burst_whose_messages_are_all_lost_is_found_by_the_reconciler(world: World) -> None:
    send_burst(world)
    world.burst_queue.sent.clear()
    revive(world)
    check_accepted(world)

"""An export keeps which slots it held and when, however its attempts ended."""

from __future__ import annotations

from snapshot_export.domain.export import MAX_LEASES, Attempt, Lease, Status, leases_after
from tests.flows.test_slots import send_many
from tests.support.messages import csv_groups, message
from tests.support.reports import BEGIN, export, lease
from tests.support.world import World


def check_lease(held: Lease) -> None:
    """A lease begins, its job runs within it, and it is given back."""
    assert held.started_at is not None and held.ended_at is not None
    assert held.admitted_at <= held.started_at < held.ended_at <= held.released_at
    assert held.slots == 12


def test_never_more_leases_than_slots_at_any_instant(world: World) -> None:
    ids = send_many(world, 18)
    world.driver.run()
    leases = [held for each in ids for held in world.export(each).leases]
    assert len(leases) == 18
    for held in leases:
        check_lease(held)
        # a slot is filled in the same instant of the virtual clock in which it was freed
        begun = [each for each in leases if each.admitted_at <= held.admitted_at]
        assert sum(each.released_at > held.admitted_at for each in begun) <= 12


def test_each_part_of_an_export_has_a_lease(world: World) -> None:
    world.send(message("parts", dashboard="board-pack", groups=csv_groups(6)))
    world.driver.run()
    ended = world.export("parts")
    assert ended.status is Status.COMPLETED, ended.error
    assert [held.attempt for held in ended.leases] == [1, 2]
    for held in ended.leases:
        check_lease(held)


def test_each_failed_attempt_has_a_lease(world: World) -> None:
    world.switch("fail_job", ErrorType="INTERNAL_FAILURE", times=9)
    world.send(message("always"))
    world.driver.run()
    assert [held.attempt for held in world.export("always").leases] == [1, 2, 3]


def test_a_start_that_is_refused_held_its_slot_without_a_job(world: World) -> None:
    world.switch("raise_exception", Exception="AccessDeniedException", times=99)
    world.send(message("refused"))
    world.driver.run()
    ended = world.export("refused")
    assert ended.status is Status.FAILED
    (held,) = ended.leases
    assert (held.started_at, held.ended_at) == (None, None)
    assert held.released_at == ended.finished_at


def test_a_lease_that_others_kept_from_starting_is_kept_without_a_job(world: World) -> None:
    world.quicksight.emulator.occupy(12, 40.0)
    world.send(message("kept-out"))
    world.driver.run()
    ended = world.export("kept-out")
    assert ended.status is Status.COMPLETED
    *handed_back, last = ended.leases
    assert handed_back and {held.started_at for held in handed_back} == {None}
    assert all(held.released_at >= held.admitted_at for held in handed_back)
    check_lease(last)


def test_the_last_leases_are_kept_up_to_a_number() -> None:
    kept = tuple(lease(60.0 * number, 1) for number in range(MAX_LEASES))
    attempt = Attempt(
        export_id="e",
        attempt=2,
        admission=99,
        dashboard_id="d",
        snapshot_job_id="e-2",
        admitted_at=BEGIN + 5000,
        start_by=BEGIN + 5600,
    )
    after = leases_after(export(1, leases=kept), attempt, BEGIN + 5003)
    assert len(after) == MAX_LEASES and after[:-1] == kept[1:]
    assert (after[-1].attempt, after[-1].released_at) == (2, BEGIN + 5003)

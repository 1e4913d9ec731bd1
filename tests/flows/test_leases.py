"""An export keeps which slots it held and when, however its attempts ended."""

from __future__ import annotations

from snapshot_export.domain.export import MOST_LEASES, Lease, Status
from tests.flows.test_slots import send_many
from tests.support.messages import message, visuals_group
from tests.support.world import World


def check_lease(lease: Lease) -> None:
    """A lease begins, its job runs within it, and it is given back."""
    assert lease.started_at is not None and lease.ended_at is not None
    assert lease.admitted_at <= lease.started_at < lease.ended_at <= lease.released_at
    assert lease.slots == 12


def test_never_more_leases_than_slots_at_any_instant(world: World) -> None:
    ids = send_many(world, 30)
    world.driver.run()
    leases = [lease for each in ids for lease in world.export(each).leases]
    assert len(leases) == 30
    for lease in leases:
        check_lease(lease)
        # a slot is filled in the same instant of the virtual clock in which it was freed
        held = [each for each in leases if each.admitted_at <= lease.admitted_at]
        assert sum(each.released_at > lease.admitted_at for each in held) <= 12


def test_each_part_of_an_export_has_a_lease(world: World) -> None:
    visuals = ("invoices", "orders", "places", "by-status", "by-product", "invoices")
    groups = [visuals_group("CSV", visual, sheet="all-tables") for visual in visuals]
    world.send(message("parts", dashboard="board-pack", groups=groups))
    world.driver.run()
    export = world.export("parts")
    assert export.status is Status.COMPLETED, export.error
    assert [lease.attempt for lease in export.leases] == [1, 2]
    for lease in export.leases:
        check_lease(lease)


def test_each_failed_attempt_has_a_lease(world: World) -> None:
    world.switch("fail_job", ErrorType="INTERNAL_FAILURE", times=9)
    world.send(message("always"))
    world.driver.run()
    assert [lease.attempt for lease in world.export("always").leases] == [1, 2, 3]


def test_a_start_that_is_refused_held_its_slot_without_a_job(world: World) -> None:
    world.send(message("refused", dashboard="no-such-dashboard"))
    world.driver.run()
    export = world.export("refused")
    assert export.status is Status.FAILED
    (lease,) = export.leases
    assert (lease.started_at, lease.ended_at) == (None, None)
    assert lease.released_at == export.finished_at


def test_leases_that_others_kept_from_starting_are_kept_up_to_a_number(world: World) -> None:
    world.quicksight.emulator.occupy(12, 3600.0)
    world.send(message("kept-out"))
    world.driver.run(until=world.clock.now() + 1800)
    handed_back = world.export("kept-out")
    assert 2 < len(handed_back.leases) <= MOST_LEASES
    world.driver.run()
    export = world.export("kept-out")
    assert export.status is Status.COMPLETED
    assert len(export.leases) == MOST_LEASES
    assert [lease.started_at is None for lease in export.leases] == [True] * 23 + [False]

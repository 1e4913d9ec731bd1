"""Schedules on virtual time."""

from __future__ import annotations

from moto.scheduler.models import scheduler_backends

from tests.support.world import ACCOUNT, REGION, World


def set_changed(world: World, name: str) -> None:
    """The Scheduler's entry was last changed now: moto has a clock of its own."""
    group = scheduler_backends[ACCOUNT][REGION].schedule_groups[world.settings.schedule_group]
    group.schedules[name].last_modified_date = world.clock.now()

"""Capacity: how much of the account's slots is used, and how much may be.

A change is one write on the gate; then the backlog is let in, so a raised limit or a resumed gate
takes effect at once. A lowered limit drains first: nothing that runs is stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.flows.admit import try_admit

MOST_COUNTED = 10_000
"""Waiting exports are counted up to here; each 1000 cost about 40 read units."""

logger = Logger(child=True)


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """The gate at this moment. `waiting` is a lower bound if so marked."""

    limit: int
    running: int
    waiting: int
    waiting_is_at_least: bool
    completed_last_hour: int
    paused_until: float | None
    ceiling: int | None


def read_capacity(services: Services) -> Capacity:
    """The present capacity."""
    gate, now = services.store.gate(), services.now()
    waiting = services.store.count_waiting(MOST_COUNTED)
    return Capacity(
        limit=services.settings.snapshot_job_limit if gate.limit is None else gate.limit,
        running=gate.running,
        waiting=waiting,
        waiting_is_at_least=waiting >= MOST_COUNTED,
        completed_last_hour=services.throughput.completed_last_hour(now),
        paused_until=gate.paused_until if gate.paused_until > now else None,
        ceiling=gate.ceiling,
    )


def change_capacity(services: Services, changes: Mapping[str, float | None]) -> Capacity:
    """Set `limit`, `paused_until` (epoch seconds) or both; None sets back what the stack says."""
    services.store.change_gate(changes)
    logger.info("capacity changed", reason="on request", changes=dict(changes))
    try_admit(services)
    return read_capacity(services)

"""Capacity: how much of the account's slots is used, how much may be, and what people are left.

A change is one write on the gate; then the backlog is admitted, so a raised limit or a resumed gate
takes effect at once. A lowered limit drains first: nothing that runs is stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.gate import ceiling_at
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.flows.export.admit import try_admit

MAX_COUNTED = 10_000
"""Waiting exports are counted up to here; each 1000 cost about 40 read units."""

logger = Logger(child=True)


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """A target's gate at this moment. `waiting` is a lower bound if so marked; `targets` are all
    that the deployment has."""

    target: str
    targets: tuple[str, ...]
    limit: int
    reserved: int
    running: int
    waiting: int
    waiting_is_at_least: bool
    completed_last_hour: int
    paused_until: float | None
    ceiling: int | None


def read_capacity(services: Services) -> Capacity:
    """The present capacity."""
    gate, now = services.store.gate(), services.now()
    waiting = services.store.count_waiting(MAX_COUNTED)
    limit = services.settings.snapshot_job_limit if gate.limit is None else gate.limit
    reserved = services.settings.reserved_slots if gate.reserved is None else gate.reserved
    return Capacity(
        target=services.settings.target,
        targets=services.targets.names,
        limit=limit,
        reserved=reserved,
        running=gate.running,
        waiting=waiting,
        waiting_is_at_least=waiting >= MAX_COUNTED,
        completed_last_hour=services.throughput.completed_last_hour(now),
        paused_until=gate.paused_until if gate.paused_until > now else None,
        ceiling=ceiling_at(gate, limit=limit - reserved, now=now),
    )


def change_capacity(services: Services, changes: Mapping[str, float | None]) -> Capacity:
    """Set `limit`, `reserved` and `paused_until` (epoch seconds), those that are given.

    None sets back what the stack says. Raises InvalidRequestError for a reserve that leaves no
    slot, unless the limit is 0, which stops everything on purpose.
    """
    _check_reserve(services, changes)
    services.store.change_gate(changes)
    logger.info("capacity changed", reason="on request", changes=dict(changes))
    try_admit(services)
    return read_capacity(services)


def _check_reserve(services: Services, changes: Mapping[str, float | None]) -> None:
    if not {"limit", "reserved"} & set(changes):
        return
    gate, settings = services.store.gate(), services.settings
    limit = _first(changes.get("limit", gate.limit), settings.snapshot_job_limit)
    reserved = _first(changes.get("reserved", gate.reserved), settings.reserved_slots)
    if not limit or reserved < limit:
        return
    if "reserved" in changes:
        problem = Problem("ReservedSlots", f"must be less than the limit, {limit:g}")
    else:
        problem = Problem("Limit", f"must be above the reserved slots, {reserved:g}, or 0")
    raise InvalidRequestError((problem,))


def _first(value: float | None, default: float) -> float:
    return default if value is None else value

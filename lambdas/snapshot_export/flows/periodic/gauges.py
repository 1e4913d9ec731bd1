"""Gauge: how full the slots are and how long the backlog is, once a minute. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from snapshot_export.adapters.services import Services
from snapshot_export.errors import UnreadableRecordError
from snapshot_export.flows.export.admit import admission_at
from snapshot_export.metric import Metric

MAX_COUNTED = 10_000
"""Waiting exports are counted up to here: about 400 read units, and a page fits the dashboard."""


@dataclass(frozen=True, kw_only=True)
class Gauges:
    """What one target's gate and backlog show at this moment."""

    target: str
    values: dict[Metric, float]


def read_gauges(services: Services) -> Gauges:
    """The present gauges. Raises TransientError."""
    gate, now = services.store.gate(), services.now()
    decision = admission_at(services, gate, now)
    values: dict[Metric, float] = {
        Metric.SLOTS_IN_USE: gate.running,
        Metric.SLOTS_ALLOWED: 0 if now < gate.paused_until else decision.cap,
        Metric.SLOT_LIMIT: decision.limit,
        Metric.EXPORTS_WAITING: services.store.count_waiting(MAX_COUNTED),
    }
    for head in services.store.first_waiting(1, now):
        since = _waits_since(services, head.export_id)
        if since is not None:
            values[Metric.HEAD_WAIT_SECONDS] = max(0.0, now - since)
    return Gauges(target=services.settings.target, values=values)


def _waits_since(services: Services, export_id: str) -> float | None:
    """When an export was accepted, or its burst was asked to run again."""
    try:
        export = services.store.export(export_id)
        burst = services.bursts.find(export.burst_id) if export and export.burst_id else None
    except UnreadableRecordError:
        return None
    retried_at = burst.retried_at if burst else None
    return max(export.accepted_at, retried_at or 0.0) if export else None

"""Rank: an export's place in the backlog.

Of single exports, the place is taken by a write of its own, before the export is written: a death
in between leaves a gap that nobody sees (adapters/table/fair_order.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from snapshot_export.adapters.services import Services
from snapshot_export.domain.backlog import rank_class, rank_of
from snapshot_export.domain.export import Export
from snapshot_export.domain.fair_share import cost_of
from snapshot_export.domain.parts import formats_of_part


def ranked(services: Services, export: Export, asked_at: float) -> Export:
    """With its place among single exports of its class. Raises TransientError.

    `asked_at` is since when it can run (epoch seconds): its acceptance, or when its data was there.
    """
    seconds = expected_seconds(services, export.dashboard_id, export.snapshot)
    cost = cost_of(seconds, slots=services.settings.open_slots)
    of_class = rank_class(priority=export.priority, deadline=export.deadline, accepted_at=asked_at)
    tag = services.fair_order.single_tag(of_class, cost, services.now())
    return replace(export, rank=rank_of(of_class, tag, export_id=export.export_id))


def expected_seconds(services: Services, dashboard_id: str, snapshot: dict[str, Any]) -> float:
    """How long the first job of a request will probably take."""
    return services.durations.expectation(dashboard_id, formats_of_part(snapshot, 0)).mean

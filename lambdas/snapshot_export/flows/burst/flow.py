"""A burst's flow: which place in the backlog each of its exports gets."""

from __future__ import annotations

from snapshot_export.adapters.services import Services
from snapshot_export.domain.backlog import rank_class, rank_of
from snapshot_export.domain.burst import Burst
from snapshot_export.domain.export import Export
from snapshot_export.domain.fair_share import Flow
from snapshot_export.flows.export.rank import expected_seconds


class BurstFlow:
    """Ranks for the exports of a burst, from where it stands. Reads the backlog once, if at all.

    `asked_at` is when the exports were asked for (epoch seconds), by a retry; else it is with the
    burst, or since when its data was there.
    """

    def __init__(self, services: Services, burst: Burst, asked_at: float | None = None) -> None:
        self._services = services
        self._burst = burst
        self._asked_at = burst.runs_since if asked_at is None else asked_at
        self._flow: Flow | None = None

    @property
    def finish_tag(self) -> float:
        """Where the flow has come."""
        return self._flow.finish if self._flow else self._burst.finish_tag

    def next_rank(self, export: Export) -> str:
        """The rank of the burst's next export. All of a burst's are of one class."""
        of_class = rank_class(
            priority=export.priority, deadline=export.deadline, accepted_at=self._asked_at
        )
        if self._flow is None:
            self._flow = self._begin(of_class)
        seconds = expected_seconds(self._services, export.dashboard_id, export.snapshot)
        tag = self._flow.start_tag(seconds)
        return rank_of(of_class, tag, export_id=export.export_id, burst_id=self._burst.burst_id)

    def _begin(self, of_class: str) -> Flow:
        services = self._services
        return Flow(
            virtual_time=services.fair_order.virtual_time(of_class, services.now()),
            finish=self._burst.finish_tag,
            slots=services.settings.open_slots,
            weight=self._burst.weight,
        )

"""Work on a burst, as the burst queue asks for it."""

from __future__ import annotations

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst import Work
from snapshot_export.flows.burst.cancel import drain
from snapshot_export.flows.burst.close import close_burst
from snapshot_export.flows.burst.expand import expand
from snapshot_export.flows.burst.keep_records import keep_records
from snapshot_export.flows.burst.query import query
from snapshot_export.flows.burst.retry import retry


def work_on_burst(services: Services, burst_id: str, work: Work, *, stop_at: float) -> None:
    """Do the work until it is done, or hand it on after `stop_at` (epoch seconds).

    Repeating it, also at the same time, changes nothing. Raises TransientError.
    """
    match work:
        case Work.QUERY:
            query(services, burst_id)
        case Work.EXPAND:
            expand(services, burst_id, stop_at=stop_at)
        case Work.DRAIN:
            drain(services, burst_id, stop_at=stop_at)
        case Work.CLOSE:
            close_burst(services, burst_id)
        case Work.KEEP:
            keep_records(services, burst_id)
        case Work.RETRY:
            retry(services, burst_id, stop_at=stop_at)

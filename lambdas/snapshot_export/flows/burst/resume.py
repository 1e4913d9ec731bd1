"""Resume bursts: those that have work left and do not move have lost their message.

Each burst that was accepted and not closed has a marker, so this reads no ended one. Asking too
often does no harm: the work's own conditions let one go on and stop the others. One that takes long
is asked to keep its records.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst import STALLED_SECONDS, Burst, Work
from snapshot_export.errors import NewerRecordError, UnreadableRecordError
from snapshot_export.flows.burst.keep_records import must_keep
from snapshot_export.flows.burst_queue import ask_for

KEPT_WITHIN_SECONDS = 1800.0
"""A pass over a burst's records takes minutes; later its message is taken for lost."""

logger = Logger(child=True)


def resume_bursts(services: Services) -> int:
    """Ask again for the work of bursts that stand still. Answers how many."""
    resumed = 0
    for burst_id in services.bursts.unfinished_ids():
        try:
            burst = services.bursts.find(burst_id)
        except (NewerRecordError, UnreadableRecordError) as error:
            logger.error("burst left out", reason=str(error), burst_id=burst_id)
            continue
        now = services.now()
        if burst is not None:
            _ask_to_keep(services, burst, now)
        if burst is not None and burst.hold_is_over(now):
            ask_for(services, burst_id, Work.QUERY)
            logger.info("hold ended", reason="nobody released it in time", burst_id=burst_id)
            continue
        if burst is None or burst.work_left is None or now - burst.touched_at < STALLED_SECONDS:
            continue
        services.bursts.touch(burst_id, now)
        ask_for(services, burst_id, burst.work_left)
        logger.error(
            "burst resumed",
            reason="it has work left and did not move",
            burst_id=burst_id,
            work=burst.work_left.value,
        )
        resumed += 1
    return resumed


def _ask_to_keep(services: Services, burst: Burst, now: float) -> None:
    if must_keep(burst, now) and now - (burst.keep_asked_at or 0.0) >= KEPT_WITHIN_SECONDS:
        services.bursts.note_keep_asked(burst.burst_id, now)
        ask_for(services, burst.burst_id, Work.KEEP)

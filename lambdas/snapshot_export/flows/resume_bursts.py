"""Resume bursts: those that have work left and do not move have lost their message.

Each burst that was accepted and not closed has a marker, so this reads no ended one. Asking too
often does no harm: the work's own conditions let one go on and stop the others.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst import STALLED_SECONDS
from snapshot_export.flows.accept_burst import ask_for

logger = Logger(child=True)


def resume_bursts(services: Services) -> int:
    """Ask again for the work of bursts that stand still. Answers how many."""
    resumed = 0
    for burst_id in services.bursts.unfinished_ids():
        burst = services.bursts.find(burst_id)
        now = services.now()
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

"""Release: somebody says that a burst that is held, or waits for data, shall go on.

Order of writes: one write, conditional on the hold, moves the burst on and notes when; then the
work that was put off is asked for. Dying between the two leaves a burst with work that does not
move, which the reconciler finds. A call that is repeated finds its own release, and asks again.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst import Burst, BurstStatus
from snapshot_export.errors import ConditionFailedError, NotHeldError, UnknownIdError
from snapshot_export.flows.burst_queue import ask_for
from snapshot_export.flows.data.release import release_from_data

logger = Logger(child=True)


def release_burst(services: Services, burst_id: str) -> Burst:
    """Let a held burst go on; answers it as it is then.

    Raises UnknownIdError, NotHeldError, TransientError.
    """
    burst = services.bursts.find(burst_id)
    if burst is None:
        raise UnknownIdError("burst")
    waits = burst.status is BurstStatus.WAITING_FOR_DATA
    if waits or (burst.status is BurstStatus.HELD and burst.hold is None):
        release_from_data(services.for_target(burst.target), burst)
        burst = services.bursts.find(burst_id) or burst
    elif burst.status is BurstStatus.HELD:
        try:
            services.bursts.release(burst_id, services.now())
            logger.info("burst released", reason="asked", burst_id=burst_id)
        except ConditionFailedError:
            logger.info("not released", reason="went on elsewhere", burst_id=burst_id)
        burst = services.bursts.find(burst_id) or burst
    if burst.released_at is None:
        raise NotHeldError("burst", burst.status.value)
    if burst.status in (BurstStatus.EXPANDING, BurstStatus.QUERYING) and burst.work_left:
        ask_for(services, burst_id, burst.work_left)
    return burst

"""Ask for work on a burst, by a message; what gets lost the reconciler asks for again."""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst import Work
from snapshot_export.errors import TransientError

logger = Logger(child=True)


def ask_for(services: Services, burst_id: str, work: Work) -> None:
    """Ask for work on a burst; a message that cannot be sent is left to the reconciler."""
    try:
        services.burst_work.send(burst_id, work)
    except TransientError as error:
        logger.warning("not asked", reason=str(error), burst_id=burst_id, work=work.value)


def ask_for_close(services: Services, burst_id: str | None) -> None:
    """Call after an export has ended: asks for the closing of its burst if that was the last."""
    if burst_id is None:
        return
    burst = services.bursts.find(burst_id)
    if burst is not None and burst.work_left is Work.CLOSE:
        ask_for(services, burst_id, Work.CLOSE)

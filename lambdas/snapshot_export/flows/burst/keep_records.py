"""Keep: what an open burst needs at its end does not expire before.

Records of its ended exports, of refused recipients and of names expire `retentionDays` after they
were written, and as much later as the burst had taken by then, a day at least
(Settings.expires_at). So a burst that is closed within a day writes nothing again. Where it takes
longer they are renewed here, each time for as long again as it has taken: exports that end evenly
are renewed once each, all in all, however long the burst takes.

Order of writes: the records first, each to the same new time, then how long they last is noted on
the burst. Dying between the two repeats the pass, which does no harm. An export that ends meanwhile
is written with the later time by itself.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst import Burst

logger = Logger(child=True)


def keep_records(services: Services, burst_id: str) -> None:
    """Renew what would expire too early if the burst were closed now. Raises TransientError."""
    burst = services.bursts.find(burst_id)
    now = services.now()
    if burst is None or burst.status.is_end or not must_keep(burst, now):
        return
    services = services.for_target(burst.target)
    settings = services.settings
    expires_at = settings.expires_at(now, burst_since=burst.accepted_at)
    renewed = services.bursts.renew(burst, expires_at)
    services.bursts.note_kept(burst_id, expires_at - settings.retention_seconds)
    logger.info("records kept", reason="the burst takes long", burst_id=burst_id, renewed=renewed)


def must_keep(burst: Burst, now: float) -> bool:
    """Whether records of the burst would expire earlier than `retentionDays` from now.

    Of a burst that an older version accepted nothing is known but that it has begun.
    """
    return now >= (burst.kept_until or burst.accepted_at)


def lasting_until(services: Services, burst: Burst) -> float:
    """Until when nothing of the burst's records expires that its close needs (epoch seconds)."""
    return (burst.kept_until or burst.accepted_at) + services.settings.retention_seconds

"""Drain: a burst is cancelled. What waits is cancelled, what runs is not delivered.

Order of writes: the burst is marked first, in one write that also stops its expansion; then its
exports are cancelled in the order of their lines, and the place reached is noted after each slice.
A query that runs for its recipients is stopped, if that can be; else it ends by itself.
Dying between two repeats a slice whose exports have ended, which changes nothing.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.adapters.table.burst_store import MAX_READ_AT_ONCE
from snapshot_export.domain.burst import Burst, BurstStatus, Work, export_id_of
from snapshot_export.errors import (
    AlreadyEndedError,
    ConditionFailedError,
    NewerRecordError,
    UnknownIdError,
    UnreadableRecordError,
)
from snapshot_export.flows.burst_queue import ask_for, ask_for_close
from snapshot_export.flows.export.cancel import cancel

logger = Logger(child=True)


def cancel_burst(services: Services, burst_id: str) -> Burst:
    """Cancel a burst; what waits is cancelled soon after.

    Raises UnknownIdError, and AlreadyEndedError for a burst that is over.
    """
    burst = services.bursts.find(burst_id)
    if burst is None:
        raise UnknownIdError("burst")
    queries = burst.status is BurstStatus.QUERYING
    try:
        services.bursts.begin_drain(burst_id, services.now())
    except ConditionFailedError:
        ended = services.bursts.find(burst_id) or burst
        raise AlreadyEndedError("burst", ended.status.value) from None
    burst = services.bursts.find(burst_id) or burst
    if queries:
        ask_for(services, burst_id, Work.QUERY)
    ask_for(services, burst_id, burst.work_left or Work.DRAIN)
    logger.info("burst cancelled", reason="asked", burst_id=burst_id)
    return burst


def drain(services: Services, burst_id: str, *, stop_at: float) -> None:
    """Cancel exports of a cancelled burst until none waits, or until `stop_at` (epoch seconds)."""
    burst = services.bursts.find(burst_id)
    if burst is None or burst.draining_at is None or burst.status.is_end:
        return
    line = burst.drained_to
    while line < burst.line:
        until = min(line + MAX_READ_AT_ONCE, burst.line)
        ids = [export_id_of(burst_id, each) for each in range(line, until)]
        for export_id in services.bursts.waiting_ids(burst_id, ids):
            _cancel(services, export_id)
        services.bursts.mark_drained(burst_id, until, services.now())
        line = until
        if line < burst.line and services.now() >= stop_at:
            services.burst_work.send(burst_id, Work.DRAIN)
            logger.info("handed on", reason="time", burst_id=burst_id, line=line)
            return
    logger.info("drained", reason="cancelled", burst_id=burst_id, line=line)
    ask_for_close(services, burst_id)


def _cancel(services: Services, export_id: str) -> None:
    try:
        cancel(services, export_id)
    except AlreadyEndedError:
        logger.info("not cancelled", reason="ended meanwhile", export_id=export_id)
    except (NewerRecordError, UnreadableRecordError) as error:
        logger.error("not cancelled", reason=str(error), export_id=export_id)

"""Cancel: what waits ends at once; what runs is marked, and its files are not delivered.

A waiting export: one transaction writes its end and takes its entry, so it is neither admitted
after its end nor left without an entry. A running one: the mark, conditional on RUNNING; the slot
is freed by QuickSight's end as always, then collect deletes what was made and ends the export. An
export that moves between the two meanwhile is looked at again.

No event is sent: whoever cancels knows. Once an end is about to be announced a cancellation is too
late, and is refused with that end.
"""

from __future__ import annotations

import random

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import Status
from snapshot_export.errors import (
    AlreadyEndedError,
    ConditionFailedError,
    TransientError,
    UnknownIdError,
)
from snapshot_export.flows.burst_queue import ask_for_close
from snapshot_export.metric import Metric

ROUNDS = 10

logger = Logger(child=True)


def cancel(services: Services, export_id: str) -> Status:
    """Cancel one export: CANCELLED (now or before), or RUNNING if it was marked.

    Raises UnknownIdError, UnknownTargetError, AlreadyEndedError for another end, TransientError.
    """
    for _ in range(ROUNDS):
        export = services.store.export(export_id)
        if export is None:
            raise UnknownIdError("export")
        if export.status is Status.CANCELLED:
            return export.status
        if export.status.is_end or export.ending:
            raise AlreadyEndedError("export", export.ending or export.status)
        now = services.now()
        try:
            if export.status is Status.QUEUED:
                expires_at = services.settings.expires_at(now, burst_since=export.burst_since)
                store = services.for_target(export.target).store
                store.cancel_waiting(export, now, expires_at)
                ask_for_close(services, export.burst_id)
                services.measure(Metric.EXPORTS_CANCELLED, 1)
                logger.info("cancelled", reason="waited", export_id=export_id)
                return Status.CANCELLED
            services.store.mark_cancelled(export_id, now)
            logger.info("marked as cancelled", reason="runs", export_id=export_id)
            return Status.RUNNING
        except ConditionFailedError:
            services.sleep(random.uniform(0.01, 0.06))
    raise TransientError(f"export {export_id} kept moving")

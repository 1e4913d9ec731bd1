"""Cancel: what waits ends at once; what runs is marked, and its files are not delivered.

A waiting export: one transaction writes its end and takes its entry, in the backlog or among those
that wait for data, so it is neither admitted after its end nor left without an entry. One that
waits after a part of it was collected, or after an attempt that may have left files, is taken back:
one transaction takes its entry and makes it run, marked and without a slot, and an execution is
started, whose collect step deletes what was made; dying between the two leaves the start to the
reconciler. A running one: the mark, conditional on RUNNING; the slot is freed by QuickSight's end
as always, then collect deletes what was made and ends the export. An export that moves between the
two meanwhile is looked at again.

Of a completed one the mails that were not sent are stopped, each by a write that is conditional on
its being PENDING, and then the links of all are revoked (flows/delivery/revoke.py).

No event is sent: whoever cancels knows. Once an end is about to be announced a cancellation is too
late, and is refused with that end.
"""

from __future__ import annotations

import random
from dataclasses import replace

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.adapters.table.store import CANCELLED_WAITING
from snapshot_export.domain.admission import attempt_of, entry_of
from snapshot_export.domain.export import BEFORE_BACKLOG, Export, Status
from snapshot_export.errors import (
    AlreadyEndedError,
    ConditionFailedError,
    TransientError,
    UnknownIdError,
)
from snapshot_export.flows.burst_queue import ask_for_close
from snapshot_export.flows.delivery.revoke import take_back_mails
from snapshot_export.flows.export.admit import start_executions
from snapshot_export.metric import Metric

ROUNDS = 10

logger = Logger(child=True)


def cancel(services: Services, export_id: str) -> Status:
    """Cancel one export: CANCELLED (now or before), RUNNING if it was marked, or COMPLETED if mails
    of it were stopped or their links revoked.

    Raises UnknownIdError, UnknownTargetError, AlreadyEndedError for another end, TransientError.
    """
    for _ in range(ROUNDS):
        export = services.store.export(export_id)
        if export is None:
            raise UnknownIdError("export")
        if export.status is Status.CANCELLED:
            return export.status
        if export.status is Status.COMPLETED and take_back_mails(services, export):
            return export.status
        if export.status.is_end or export.ending:
            raise AlreadyEndedError("export", export.ending or export.status)
        now = services.now()
        try:
            if export.status is Status.QUEUED and (export.part or export.failures):
                _take_back(services, export, now)
                return Status.RUNNING
            if export.status in (*BEFORE_BACKLOG, Status.QUEUED):
                expires_at = services.settings.expires_at(now, burst_since=export.burst_since)
                own = services.for_target(export.target)
                if export.status is Status.QUEUED:
                    own.store.cancel_waiting(export, now, expires_at)
                else:
                    own.waits.cancel_export(export, now, expires_at, CANCELLED_WAITING)
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


def _take_back(services: Services, export: Export, now: float) -> None:
    """Have the collect step end it: a caller of this may not delete files."""
    services = services.for_target(export.target)
    record = replace(
        attempt_of(entry_of(export), services.settings.open_slots, now),
        start_by=now,
        holds_slot=False,
        job_ended_at=now,
        released_at=now,
    )
    services.store.take_back(export, record, now)
    start_executions(services, [record])
    logger.info("marked as cancelled", reason="waited with files", export_id=export.export_id)

"""Check: ask QuickSight for the job; when it ended, free the slot and let the next one in.

Order of writes: release is one transaction (counter and lease), conditional on the lease; then the
next exports are admitted, here, at once. A check that is repeated after its release finds no slot
to free, admits whoever waits, and goes on to collect.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.quicksight import Job
from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import LOST, Attempt, Phase
from snapshot_export.domain.polling import plan_wait
from snapshot_export.errors import (
    ConditionFailedError,
    JobNotFoundError,
    QuickSightError,
    QuickSightThrottledError,
)
from snapshot_export.flows.acting import acting_for_attempt
from snapshot_export.flows.admit import admit
from snapshot_export.flows.answer import Answer, answer, answer_without_attempt, is_current

THROTTLED_WAIT_SECONDS = 3
TROUBLE_WAIT_SECONDS = 30
LOST_AFTER_SECONDS = 300.0
"""A started job that QuickSight does not know for this long is taken for lost."""

logger = Logger(child=True)


def first_wait(services: Services) -> int:
    """Seconds from a job's start to its first poll."""
    return _wait(services, age=0.0)


def check(services: Services, export_id: str, attempt: int, admission: int) -> Answer:
    """Poll the snapshot job of this admission."""
    record = services.store.attempt(export_id)
    if record is None or not is_current(record, attempt, admission):
        admit(services)
        return answer_without_attempt(services, export_id, attempt)
    if not record.holds_slot:
        admit(services)
        return answer(export_id, attempt, Phase.ENDED)
    if record.started_at is None:
        return answer(export_id, attempt, Phase.NOT_STARTED)
    services = acting_for_attempt(services, record)
    try:
        job = services.quicksight.describe(record.dashboard_id, record.snapshot_job_id)
    except JobNotFoundError:
        return _not_found(services, record, record.started_at)
    except QuickSightError as error:
        logger.warning("describe failed", reason=error.code, export_id=export_id)
        throttled = isinstance(error, QuickSightThrottledError)
        wait = THROTTLED_WAIT_SECONDS if throttled else TROUBLE_WAIT_SECONDS
        return answer(export_id, attempt, Phase.RUNNING, wait=wait)
    if not job.has_ended:
        wait = _wait(services, age=services.now() - record.started_at)
        return answer(export_id, attempt, Phase.RUNNING, wait=wait)
    return _release(services, record, job)


def _release(services: Services, record: Attempt, job: Job) -> Answer:
    _free(services, record, job.status, job.updated_at)
    admit(services)
    return answer(record.export_id, record.attempt, Phase.ENDED)


def _not_found(services: Services, record: Attempt, started_at: float) -> Answer:
    if services.now() - started_at < LOST_AFTER_SECONDS:
        wait = TROUBLE_WAIT_SECONDS
        return answer(record.export_id, record.attempt, Phase.RUNNING, wait=wait)
    _free(services, record, LOST, services.now())
    admit(services)
    return answer(record.export_id, record.attempt, Phase.ENDED)


def _free(services: Services, record: Attempt, job_status: str, ended_at: float) -> None:
    try:
        services.store.release(record, job_status, ended_at)
    except ConditionFailedError:
        reason = "released before"
    else:
        reason = job_status
    logger.info(
        "slot released",
        reason=reason,
        export_id=record.export_id,
        snapshot_job_id=record.snapshot_job_id,
    )


def _wait(services: Services, *, age: float) -> int:
    return plan_wait(
        age=age,
        expected_seconds=services.settings.expected_job_seconds,
        running=services.settings.snapshot_job_limit,
        calls_per_second=services.settings.calls_per_second,
    )

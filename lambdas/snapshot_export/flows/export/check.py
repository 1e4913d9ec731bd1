"""Check: ask QuickSight for the job; when it ended, free the slot and let the next one in.

Order of writes: release is one transaction (counter and lease), conditional on the lease; then the
next exports are admitted, here, at once. A check that is repeated after its release finds no slot
to free, admits whoever waits, and goes on to collect. What the job's time teaches is noted last.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from aws_lambda_powertools import Logger

from snapshot_export.adapters.quicksight.quicksight import Job, QuickSight
from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import LOST, Attempt, Phase, Status
from snapshot_export.domain.hint import trusts_hints
from snapshot_export.domain.polling import plan_safety_wait, plan_wait, whole_seconds
from snapshot_export.domain.windows import LOST_AFTER_SECONDS
from snapshot_export.errors import (
    ConditionFailedError,
    JobNotFoundError,
    NoTurnError,
    QuickSightError,
    QuickSightThrottledError,
    TransientError,
)
from snapshot_export.flows.export.admit import admit, read_gate
from snapshot_export.flows.export.as_user import acting_for_attempt
from snapshot_export.flows.export.step_answer import (
    Answer,
    answer,
    answer_without_attempt,
    is_current,
)
from snapshot_export.metric import Metric

THROTTLED_WAIT_SECONDS = 3
TROUBLE_WAIT_SECONDS = 30
POLL_PATIENCE_SECONDS = 1.0
"""A poll whose turn comes later than this gives way to starts and results."""

Fill = Callable[[Services], int]
"""Fills free slots from the backlog."""
Ask = Callable[[QuickSight, Attempt], Job]
"""Asks QuickSight, with one call, how a job is."""

logger = Logger(child=True)


def next_wait(services: Services, record: Attempt, *, age: float) -> float:
    """Seconds until the next poll of a job that has run for `age` seconds.

    Where hints come (flows/export/hint.py) polls only stand behind them.
    """
    expectation = services.durations.expectation(record.dashboard_id, record.formats)
    if record.files and trusts_hints(read_gate(services).hints_missed):
        return plan_safety_wait(age=age, expectation=expectation)
    return plan_wait(
        age=age,
        expectation=expectation,
        running=record.slots or services.settings.open_slots,
        calls_per_second=services.settings.calls_per_second,
        phase=random.random(),
    )


def ask_for_status(quicksight: QuickSight, record: Attempt) -> Job:
    """Ask with DescribeDashboardSnapshotJob."""
    return quicksight.describe(
        record.dashboard_id, record.snapshot_job_id, patience=POLL_PATIENCE_SECONDS
    )


def check(
    services: Services,
    export_id: str,
    attempt: int,
    admission: int,
    *,
    fill: Fill = admit,
    ask: Ask = ask_for_status,
) -> Answer:
    """Poll the snapshot job of this admission once. Its WaitSeconds can be a fraction."""
    record = services.store.attempt(export_id)
    if record is None or not is_current(record, attempt, admission):
        fill(services)
        return _after_attempt(services, export_id, attempt)
    if not record.holds_slot:
        fill(services)
        return answer(export_id, attempt, Phase.ENDED)
    if record.started_at is None:
        return answer(export_id, attempt, Phase.NOT_STARTED)
    quicksight = acting_for_attempt(services, record).quicksight
    try:
        job = ask(quicksight, record)
    except NoTurnError:
        return _still_running(services, record, record.started_at)
    except JobNotFoundError:
        return _not_found(services, record, fill)
    except QuickSightError as error:
        logger.warning("describe failed", reason=error.code, export_id=export_id)
        throttled = isinstance(error, QuickSightThrottledError)
        wait = THROTTLED_WAIT_SECONDS if throttled else TROUBLE_WAIT_SECONDS
        return answer(export_id, attempt, Phase.RUNNING, wait=wait)
    if record.first_unknown_at is not None:
        services.store.mark_known(record)
    if not job.has_ended:
        return _still_running(services, record, record.started_at)
    return _release(services, record, job, fill)


def _after_attempt(services: Services, export_id: str, attempt: int) -> Answer:
    """Files may have been collected while the execution waited. If another attempt is due later,
    the execution waits for it as if it had collected them itself."""
    export = services.store.export(export_id)
    if export is not None and export.status is Status.QUEUED and export.attempt == attempt + 1:
        wait = export.due_at - services.now()
        if wait > 0:
            return answer(export_id, attempt, Phase.WAITING, wait=whole_seconds(wait) + 1)
    return answer_without_attempt(services, export_id, attempt)


def _still_running(services: Services, record: Attempt, started_at: float) -> Answer:
    wait = next_wait(services, record, age=services.now() - started_at)
    return answer(record.export_id, record.attempt, Phase.RUNNING, wait=wait)


def _release(services: Services, record: Attempt, job: Job, fill: Fill) -> Answer:
    is_first = _free(services, record, job.status, job.updated_at)
    if is_first:
        _measure(services, record, job)
    fill(services)
    if is_first and job.status == "COMPLETED":
        _learn(services, record, job.updated_at - job.created_at)
    return answer(record.export_id, record.attempt, Phase.ENDED)


def _measure(services: Services, record: Attempt, job: Job) -> None:
    """The job's time, and what its slot was held beyond it. Clocks differ: never below 0."""
    now, seconds = services.now(), max(0.0, job.updated_at - job.created_at)
    services.measure(Metric.JOB_SECONDS, seconds)
    services.measure(Metric.HAND_OFF_SECONDS, max(0.0, now - record.admitted_at - seconds))
    services.measure(Metric.POLL_DELAY_SECONDS, max(0.0, now - job.updated_at))
    if record.files and job.status == "COMPLETED":
        services.measure(Metric.HINTS_HEARD, 0 if record.asking_until is None else 1)


def _learn(services: Services, record: Attempt, seconds: float) -> None:
    """For later waits, order and forecasts: the release stands whatever happens here."""
    try:
        services.durations.learn(record.dashboard_id, record.formats, seconds)
    except TransientError as error:
        logger.warning("not learned", reason=str(error), export_id=record.export_id)


def _not_found(services: Services, record: Attempt, fill: Fill) -> Answer:
    """One answer may be wrong: a job is lost once none has known it for LOST_AFTER_SECONDS."""
    now = services.now()
    if record.first_unknown_at is None:
        services.store.mark_unknown(record, now)
    elif now - record.first_unknown_at >= LOST_AFTER_SECONDS and _free(services, record, LOST, now):
        fill(services)
        return answer(record.export_id, record.attempt, Phase.ENDED)
    wait = TROUBLE_WAIT_SECONDS
    return answer(record.export_id, record.attempt, Phase.RUNNING, wait=wait)


def _free(services: Services, record: Attempt, job_status: str, ended_at: float) -> bool:
    """Free the slot; False if it was freed before."""
    is_first = False
    try:
        services.store.release(record, job_status, ended_at, services.now())
    except ConditionFailedError:
        reason = "released before"
    else:
        is_first, reason = True, job_status
    logger.info(
        "slot released",
        reason=reason,
        export_id=record.export_id,
        snapshot_job_id=record.snapshot_job_id,
    )
    return is_first

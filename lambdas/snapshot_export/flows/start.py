"""Start: have QuickSight begin the attempt's snapshot job, once.

Order of writes: the lease stands already (admit wrote it); the job is started, then `started_at`
is noted on the lease. A function that dies between the two is run again, and its repeated start is
answered ResourceExists: the job is adopted. Whatever the start's answer is, nothing frees the slot
before QuickSight itself said that it has no such job, or that the job ended.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.quicksight import CALL_SECONDS
from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import LOST, Attempt, ErrorInfo, Export, Phase, Status
from snapshot_export.domain.gate import HOLD_SECONDS
from snapshot_export.domain.parts import snapshot_of_part
from snapshot_export.domain.polling import whole_seconds
from snapshot_export.domain.pricing_plan import explain_refusal
from snapshot_export.errors import (
    ConditionFailedError,
    JobNotFoundError,
    QuickSightError,
    QuickSightThrottledError,
    QuickSightUnavailableError,
    RefusedError,
    SlotsTakenError,
)
from snapshot_export.flows.acting import acting_for
from snapshot_export.flows.admit import admit
from snapshot_export.flows.answer import Answer, answer, answer_without_attempt, is_current
from snapshot_export.flows.check import next_wait
from snapshot_export.flows.finish import finish_failed

RETRY_WAIT_SECONDS = 3

logger = Logger(child=True)


def start(services: Services, export_id: str, attempt: int, admission: int) -> Answer:
    """Start or adopt the snapshot job of this admission."""
    record = services.store.attempt(export_id)
    export = services.store.export(export_id)
    if record is None or export is None or not is_current(record, attempt, admission):
        return _after_admission(services, export, export_id, attempt)
    services = acting_for(services, export)
    if not record.holds_slot:
        return answer(export_id, attempt, Phase.ENDED)
    if record.started_at is not None:
        return _running(services, record, record.started_at)
    if export.cancel_requested_at is not None:
        return _give_up_starting(services, record, export.cancel_requested_at)
    if services.now() > record.start_by:
        return _give_up_starting(services, record, record.start_by)
    try:
        _ask(services, record, export)
    except QuickSightError as error:
        return _settle(services, record, export, error)
    return _started(services, record, services.now(), "started")


def start_admitted(services: Services, record: Attempt) -> None:
    """Start the job of an admission that was made just now, before its execution is.

    If the slots are taken, the export is handed back. Raises every other QuickSightError: the
    execution repeats the start, and acts on the error.
    """
    export = services.store.export(record.export_id)
    if export is None or export.cancel_requested_at is not None:
        return
    services = acting_for(services, export)
    try:
        _ask(services, record, export)
    except SlotsTakenError as error:
        _settle(services, record, export, error)
    else:
        _started(services, record, services.now(), "started at the hand-over")


def _ask(services: Services, record: Attempt, export: Export) -> None:
    services.quicksight.start(
        record.dashboard_id,
        record.snapshot_job_id,
        snapshot_of_part(export.snapshot, export.part),
    )


def _after_admission(
    services: Services, export: Export | None, export_id: str, attempt: int
) -> Answer:
    """An export that waits was handed back before this execution began, which then is the one that
    lets it in again after the hold."""
    if export is not None and export.status is Status.QUEUED:
        return _wait_for_slots(export_id, attempt)
    return answer_without_attempt(services, export_id, attempt)


def _started(services: Services, record: Attempt, started_at: float, reason: str) -> Answer:
    try:
        services.store.mark_started(record, started_at)
    except ConditionFailedError:
        return answer_without_attempt(services, record.export_id, record.attempt)
    logger.info(
        "snapshot job runs",
        reason=reason,
        export_id=record.export_id,
        snapshot_job_id=record.snapshot_job_id,
    )
    return _running(services, record, started_at)


def _running(services: Services, record: Attempt, started_at: float) -> Answer:
    wait = whole_seconds(next_wait(services, record, age=services.now() - started_at))
    return answer(record.export_id, record.attempt, Phase.RUNNING, wait=wait)


def _settle(services: Services, record: Attempt, export: Export, error: QuickSightError) -> Answer:
    """Find out whether the job runs in spite of the error, and act on the error if it does not."""
    again = answer(record.export_id, record.attempt, Phase.NOT_STARTED, wait=RETRY_WAIT_SECONDS)
    logger.warning("start refused", reason=error.code, export_id=record.export_id)
    if isinstance(error, QuickSightThrottledError):
        return again
    try:
        job = services.quicksight.find(record.dashboard_id, record.snapshot_job_id)
    except (QuickSightThrottledError, QuickSightUnavailableError):
        return again
    except RefusedError:
        job = None
    if job is not None:
        return _started(services, record, job.created_at, "adopted")
    match error:
        case SlotsTakenError():
            return _hand_back(services, record, export)
        case RefusedError() | JobNotFoundError():
            return _fail(services, record, export, error)
        case _:
            return again


def _hand_back(services: Services, record: Attempt, export: Export) -> Answer:
    """Somebody else uses the slots: to the front of the backlog, and nothing failed."""
    services.store.hand_back(record, export, services.now())
    return _wait_for_slots(record.export_id, record.attempt)


def _wait_for_slots(export_id: str, attempt: int) -> Answer:
    return answer(export_id, attempt, Phase.WAITING, wait=round(HOLD_SECONDS) + 1)


def _fail(services: Services, record: Attempt, export: Export, error: QuickSightError) -> Answer:
    text = explain_refusal(error.code, error.message, anonymous=not record.registered)
    finish_failed(services, record, export, ErrorInfo(error.code, text))
    admit(services)
    return answer(record.export_id, record.attempt, Phase.FAILED, code=error.code)


def _give_up_starting(services: Services, record: Attempt, closed_at: float) -> Answer:
    """The window for starting closed, or the export was cancelled: no start is sent any more.

    Those sent before must have arrived, so the slot waits for them: for CALL_SECONDS, about as
    long as a job, and the user pays for none. A job that was started after all is adopted.
    """
    export_id, attempt = record.export_id, record.attempt
    try:
        job = services.quicksight.find(record.dashboard_id, record.snapshot_job_id)
    except (QuickSightThrottledError, QuickSightUnavailableError):
        return answer(export_id, attempt, Phase.NOT_STARTED, wait=RETRY_WAIT_SECONDS * 10)
    except RefusedError:
        job = None
    if job is not None:
        return _started(services, record, job.created_at, "adopted")
    late = round(closed_at + CALL_SECONDS - services.now())
    if late > 0:
        return answer(export_id, attempt, Phase.NOT_STARTED, wait=late + 1)
    services.store.release(record, LOST, services.now(), services.now())
    admit(services)
    return answer(export_id, attempt, Phase.ENDED)

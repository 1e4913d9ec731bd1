"""Start: have QuickSight begin the attempt's snapshot job, once.

Order of writes: the lease stands already (admit wrote it); the start is noted on it, unless the
export was cancelled or is ending; the job is started; then `started_at` is noted. A function that
dies on the way is run again, and its repeated start is answered ResourceExists: the job is
adopted. While a start is noted nobody else sends one or concludes that there is no job, and one
that was not answered is waited for (domain/windows.py). So whatever the start's answer is, nothing
frees the slot before QuickSight itself said that it has no such job, or that the job ended, after
all that was on its way had arrived. An end that was noted before is completed as it was noted.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.quicksight.quicksight import Job
from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import LOST, Attempt, ErrorInfo, Export, Phase, Status
from snapshot_export.domain.gate import HOLD_SECONDS
from snapshot_export.domain.parts import snapshot_of_part
from snapshot_export.domain.polling import whole_seconds
from snapshot_export.domain.pricing_plan import explain_refusal
from snapshot_export.domain.windows import CALL_SECONDS, SEND_SECONDS
from snapshot_export.errors import (
    ConditionFailedError,
    JobExistsError,
    NoTurnError,
    QuickSightError,
    QuickSightThrottledError,
    QuickSightUnavailableError,
    SlotsTakenError,
    SnapshotExportError,
    UnreadableRecordError,
)
from snapshot_export.flows.dashboard.guard import guard_start
from snapshot_export.flows.export.admit import admit
from snapshot_export.flows.export.as_user import acting_for
from snapshot_export.flows.export.check import next_wait
from snapshot_export.flows.export.finish import complete_end, finish_failed
from snapshot_export.flows.export.step_answer import (
    Answer,
    answer,
    answer_without_attempt,
    is_current,
)

RETRY_WAIT_SECONDS = 3
UNKNOWN_WAIT_SECONDS = 30
"""Before QuickSight is asked again about a job that it gives no word of."""

logger = Logger(child=True)


def start(services: Services, export_id: str, attempt: int, admission: int) -> Answer:
    """Start or adopt the snapshot job of this admission."""
    record = services.store.attempt(export_id)
    try:
        export = services.store.export(export_id)
    except UnreadableRecordError:
        if record is None or not is_current(record, attempt, admission) or not record.holds_slot:
            raise
        return _without_export(services, record)
    if record is None or export is None or not is_current(record, attempt, admission):
        return _after_admission(services, export, export_id, attempt)
    services = acting_for(services, export)
    if not record.holds_slot:
        return answer(export_id, attempt, Phase.ENDED)
    if export.ending is not None:
        complete_end(services, record, export)
        admit(services)
        return answer_without_attempt(services, export_id, attempt)
    if record.started_at is not None:
        return _running(services, record, record.started_at)
    if export.cancel_requested_at is not None:
        return _give_up_starting(services, record, export.cancel_requested_at)
    if services.now() > record.start_by:
        return _give_up_starting(services, record, record.start_by)
    if record.call_until is not None and services.now() < record.call_until:
        return _again(record, whole_seconds(record.call_until - services.now()) + 1)
    try:
        calling = services.store.begin_call(record, services.now() + CALL_SECONDS)
    except ConditionFailedError:
        return _again(record)
    try:
        _send(services, calling, export)
    except QuickSightError as error:
        return _settle(services, calling, export, error)
    return _started(services, calling, services.now(), "started")


def _without_export(services: Services, record: Attempt) -> Answer:
    """Its record cannot be read: what runs is watched to its end, and nothing is started."""
    if record.started_at is not None:
        return _running(services, record, record.started_at)
    return _give_up_starting(services, record, record.admitted_at)


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
        calling = services.store.begin_call(record, services.now() + CALL_SECONDS)
    except ConditionFailedError:
        return
    try:
        _send(services, calling, export)
    except SlotsTakenError as error:
        _settle(services, calling, export, error)
    except QuickSightError as error:
        services.store.end_call(calling, is_answered=_is_answer(error))
        raise
    else:
        _started(services, calling, services.now(), "started at the hand-over")


def _send(services: Services, calling: Attempt, export: Export) -> None:
    """Send the start that was noted. Raises QuickSightError; any other error: it was not sent.

    What the guard refuses is not sent, and is settled as a refusal of QuickSight's is.
    """
    noted_at = (calling.call_until or 0.0) - CALL_SECONDS
    try:
        guard_start(services, export)
        services.quicksight.start(
            calling.dashboard_id,
            calling.snapshot_job_id,
            snapshot_of_part(export.snapshot, export.part),
            send_by=noted_at + SEND_SECONDS,
        )
    except QuickSightError:
        raise
    except SnapshotExportError:
        services.store.end_call(calling, is_answered=True)
        raise


def _is_answer(error: QuickSightError) -> bool:
    """Whether QuickSight said that this start began no job."""
    return not isinstance(error, QuickSightUnavailableError | JobExistsError)


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


def _settle(services: Services, calling: Attempt, export: Export, error: QuickSightError) -> Answer:
    """Find out whether the job runs in spite of the error, and act on the error if it does not.

    That takes QuickSight's word, given after every start that was not answered has arrived.
    """
    logger.warning("start refused", reason=error.code, export_id=calling.export_id)
    is_answered, unsure_until = _is_answer(error), calling.unsure_until
    if isinstance(error, QuickSightThrottledError):
        return _end_call(services, calling, is_answered=True)
    may_arrive = not is_answered or services.now() < (unsure_until or 0.0)
    is_known, job = _find(services, calling, is_unsure=not is_answered or unsure_until is not None)
    if job is not None:
        return _started(services, calling, job.created_at, "adopted")
    if may_arrive or not is_known:
        wait = RETRY_WAIT_SECONDS if is_known else UNKNOWN_WAIT_SECONDS
        return _end_call(services, calling, is_answered=is_answered, wait=wait)
    try:
        if isinstance(error, SlotsTakenError):
            return _hand_back(services, calling, export)
        return _fail(services, calling, export, error)
    except ConditionFailedError:
        return _again(calling)


def _find(services: Services, record: Attempt, *, is_unsure: bool) -> tuple[bool, Job | None]:
    """The job, if QuickSight has it, and whether that is known.

    A refusal to tell is no word about a job that may have been started (`is_unsure`); where every
    start was refused, there is none.
    """
    try:
        return True, services.quicksight.find(record.dashboard_id, record.snapshot_job_id)
    except (QuickSightThrottledError, QuickSightUnavailableError, NoTurnError):
        return False, None
    except QuickSightError as error:
        logger.warning("no word of the job", reason=error.code, export_id=record.export_id)
        return not is_unsure, None


def _again(record: Attempt, wait: int = RETRY_WAIT_SECONDS) -> Answer:
    return answer(record.export_id, record.attempt, Phase.NOT_STARTED, wait=wait)


def _end_call(
    services: Services, calling: Attempt, *, is_answered: bool, wait: int = RETRY_WAIT_SECONDS
) -> Answer:
    services.store.end_call(calling, is_answered=is_answered)
    return _again(calling, wait)


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
    return answer_without_attempt(services, record.export_id, record.attempt)


def _give_up_starting(services: Services, record: Attempt, closed_at: float) -> Answer:
    """The window for starting closed, or the export was cancelled: no start is sent any more.

    Those sent before must have arrived, so the slot waits for them: for CALL_SECONDS, about as
    long as a job, and the user pays for none. A job that was started after all is adopted.
    """
    arrived_at = max(closed_at + CALL_SECONDS, record.call_until or 0.0, record.unsure_until or 0.0)
    late = arrived_at - services.now()
    is_unsure = record.call_until is not None or record.unsure_until is not None
    is_known, job = _find(services, record, is_unsure=is_unsure)
    if job is not None:
        return _started(services, record, job.created_at, "adopted")
    if late > 0 or not is_known:
        return _again(record, round(late) + 1 if late > 0 else UNKNOWN_WAIT_SECONDS)
    try:
        services.store.release(record, LOST, services.now(), services.now())
    except ConditionFailedError:
        return _again(record)
    admit(services)
    return answer(record.export_id, record.attempt, Phase.ENDED)

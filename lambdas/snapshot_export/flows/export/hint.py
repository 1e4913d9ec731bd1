"""Hint: an object came for an export's job; ask QuickSight about the job, closely, until it ended.

A hint costs no call, and is worth nothing by itself: whatever it says, the release and what follows
are those of a poll, and QuickSight's answer alone frees the slot. What is asked for is the job's
result, which is refused before its end: one call says that the job ended, and what it made. The
state machine's own polls go on behind it, far apart.

Order of writes: first the asking is noted on the attempt, so that of several hints one asks and a
release knows that a hint came; then the gate's count of missed hints is set to 0; then all is a
check's (flows/export/check.py). Once the slot is free, files are collected by a call of the collect
function, with the result, that is not waited for. A function that dies after any of these leaves
what a poll finds: the note ends by itself, and an execution whose wait is over collects, or finds
it done.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from snapshot_export.adapters.quicksight.quicksight import RESULT_MEMBERS, Job, QuickSight
from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import Attempt, Phase
from snapshot_export.domain.hint import (
    ASK_SECONDS,
    Hint,
    have_all_come,
    is_written_since,
    pauses,
)
from snapshot_export.domain.windows import CALL_SECONDS
from snapshot_export.errors import (
    ConditionFailedError,
    JobNotEndedError,
    RefusedError,
    TransientError,
    UnreadableRecordError,
)
from snapshot_export.flows.export.check import POLL_PATIENCE_SECONDS, ask_for_status
from snapshot_export.flows.export.hand_over import check_and_hand_over

logger = Logger(child=True)


def hear(services: Services, hint: Hint) -> None:
    """Follow a hint up. Raises TransientError when it could not be; nothing is lost then."""
    for each in services.each_target():
        if each.settings.export_bucket == hint.bucket:
            record = _attempt_of(each, hint)
            if record is not None and _are_all_there(each, record, hint):
                _ask_closely(each, record)


def _attempt_of(services: Services, hint: Hint) -> Attempt | None:
    """The attempt whose job runs and made the object."""
    try:
        record = services.store.attempt(hint.export_id)
    except UnreadableRecordError:
        return None
    if record is None or record.nonce != hint.nonce or not record.holds_slot:
        return None
    if record.started_at is None or not is_written_since(hint.written_at, record.started_at):
        return None
    return record


def _are_all_there(services: Services, record: Attempt, hint: Hint) -> bool:
    """S3 itself is asked, so that it does not matter which hints came, nor in what order."""
    if record.files <= 1:
        return record.files == 1
    written = services.files.written_in(hint.folder)
    return have_all_come(written, record.started_at or 0.0, record.files)


def _ask_closely(services: Services, record: Attempt) -> None:
    now = services.now()
    try:
        services.store.begin_asking(record, now, now + ASK_SECONDS + CALL_SECONDS)
    except ConditionFailedError:
        return
    services.store.count_hint()
    asking = _Asking()
    phase = _ask(services, record, asking)
    logger.info("hint followed up", reason=phase, export_id=record.export_id)
    if phase == Phase.ENDED:
        try:
            services.collector.collect(record, services.settings.target, asking.result)
        except TransientError as error:
            logger.warning("left to its execution", reason=str(error), export_id=record.export_id)


class _Asking:
    """Asks for a job's result, and keeps it."""

    def __init__(self) -> None:
        self.result: dict[str, Any] | None = None
        self._is_refused = False

    def __call__(self, quicksight: QuickSight, record: Attempt) -> Job:
        if self._is_refused:
            return ask_for_status(quicksight, record)
        try:
            answer = quicksight.result(
                record.dashboard_id, record.snapshot_job_id, patience=POLL_PATIENCE_SECONDS
            )
        except JobNotEndedError:
            since = record.started_at or record.admitted_at
            return Job(status="RUNNING", created_at=since, updated_at=since)
        except RefusedError as error:
            logger.warning("result refused", reason=error.code, export_id=record.export_id)
            self._is_refused = True
            return ask_for_status(quicksight, record)
        job = Job.of(answer)
        if job.has_ended:
            self.result = {name: answer[name] for name in RESULT_MEMBERS if name in answer}
        return job


def _ask(services: Services, record: Attempt, asking: _Asking) -> str:
    for pause in (0.0, *pauses()):
        services.sleep(pause)
        answer = check_and_hand_over(
            services, record.export_id, record.attempt, record.admission, asking
        )
        if answer["Phase"] != Phase.RUNNING:
            break
    return str(answer["Phase"])

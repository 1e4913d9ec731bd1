"""Collect: bring the files of an ended job to their places and end the export.

Holds no slot. Order of writes: the files first (repeating a copy leaves the same object), then
finish; or one transaction that queues the next attempt: of the next part, or of the same one after
a failure that can pass. Sheets of a merged file stay where they are until the last of them is
there, and which they are is written by that transaction (flows/export/merge_sheets.py). The zip of
an export comes after the last file, by the same step (flows/export/zip_export.py). Files that have
a password are encrypted on their way (flows/export/protect.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger

from snapshot_export.adapters.quicksight.quicksight import JobResult
from snapshot_export.adapters.s3.transfers import TimeLimit
from snapshot_export.adapters.services import Services
from snapshot_export.domain.emptiness import IfEmpty
from snapshot_export.domain.export import LOST, Attempt, ErrorInfo, Export, ExportedFile, Phase
from snapshot_export.domain.parts import formats_of, selections_of, split_file_groups
from snapshot_export.domain.password import Password
from snapshot_export.domain.results import (
    RESULT_MISMATCH,
    FileOutcome,
    ResultMismatchError,
    match_results,
)
from snapshot_export.domain.retry import judge_failure
from snapshot_export.errors import (
    ConditionFailedError,
    JobNotFoundError,
    QuickSightError,
    RefusedError,
    TransferTooSlowError,
    TransientError,
)
from snapshot_export.flows.export.admit import admit
from snapshot_export.flows.export.as_user import acting_for
from snapshot_export.flows.export.file_names import claim_keys, claimed_places, hidden_files
from snapshot_export.flows.export.finish import (
    complete_end,
    finish_cancelled,
    finish_completed,
    finish_failed,
    job_seconds,
)
from snapshot_export.flows.export.judge_rows import is_empty
from snapshot_export.flows.export.merge_sheets import merge_sheets
from snapshot_export.flows.export.protect import forget_plain, password_of, protect_file
from snapshot_export.flows.export.step_answer import (
    Answer,
    answer,
    answer_without_attempt,
    is_current,
)
from snapshot_export.flows.export.zip_export import zip_export
from snapshot_export.metric import Metric

RESULT_KEPT_SECONDS = 6 * 3600.0
"""After this long without a readable result the export is given up."""
TRANSFER_SECONDS = 240.0
"""How long one invocation may bring files to their places. The function's timeout leaves time for
an answer that is waited for, and for the writes."""
SLOW_KEPT_SECONDS = 3 * TRANSFER_SECONDS
"""After this long files that do not get to their places in time are given up."""
UNTRIED_SECONDS = 24 * 3600.0
"""After this long nothing more is tried: whatever keeps an invocation from its end has an end."""


logger = Logger(child=True)


def collect(
    services: Services,
    export_id: str,
    attempt: int,
    admission: int,
    result: Mapping[str, Any] | None = None,
) -> Answer:
    """Collect the files of this admission's job. Raises TransientError when it may work later.

    `result` (RESULT_MEMBERS of quicksight.py) is the job's if it is known; else it is asked for.
    """
    outcome = _collect(services, export_id, attempt, admission, result)
    forget_plain(services, export_id)
    return outcome


def _collect(
    services: Services,
    export_id: str,
    attempt: int,
    admission: int,
    result: Mapping[str, Any] | None,
) -> Answer:
    record = services.store.attempt(export_id)
    export = services.store.export(export_id)
    if record is None or export is None or not is_current(record, attempt, admission):
        return answer_without_attempt(services, export_id, attempt)
    services = acting_for(services, export)
    if record.holds_slot:
        return answer(export_id, attempt, Phase.RUNNING, wait=1)
    if export.ending_at is not None:
        complete_end(services, record, export)
        return answer_without_attempt(services, export_id, attempt)
    if export.cancel_requested_at is not None:
        return _cancel(services, record, export)
    if record.job_status == LOST:
        return _after_failure(
            services, record, export, ErrorInfo(LOST, "QuickSight knows no such snapshot job")
        )
    if _since_job(services, record) >= UNTRIED_SECONDS:
        return _give_up(services, record, export, "not collected within 24 hours")
    limit = TimeLimit(services.now, services.now() + TRANSFER_SECONDS)
    try:
        if result is None:
            result = services.quicksight.result(record.dashboard_id, record.snapshot_job_id)
        collected = _collect_job(services, export, JobResult.of(result), limit)
    except (RefusedError, JobNotFoundError) as error:
        finish_failed(services, record, export, ErrorInfo(error.code, error.message))
        return answer_without_attempt(services, export_id, attempt)
    except (QuickSightError, TransientError) as error:
        return _later(services, record, export, error)
    files = (*export.files, *collected.files)
    if _is_marked(services, export_id):
        return _cancel(services, record, replace(export, files=files))
    if collected.is_skipped:
        return _skip(services, record, replace(export, is_empty=True))
    if export.part == 0:
        export = replace(export, is_empty=collected.is_empty)
    if collected.failure is not None:
        return _after_failure(services, record, export, collected.failure, files)
    if not _is_last(export):
        held = (*export.held, *collected.held)
        return _queue_next_part(services, record, replace(export, held=held), files)
    finish_completed(services, record, export, files)
    return answer(export_id, attempt, Phase.DONE)


def _is_marked(services: Services, export_id: str) -> bool:
    """Whether it was cancelled while its files were copied. A mark after this comes too late."""
    export = services.store.export(export_id)
    return export is not None and export.cancel_requested_at is not None


def _cancel(services: Services, record: Attempt, export: Export) -> Answer:
    finish_cancelled(services, record, export)
    return answer(export.export_id, record.attempt, Phase.DONE)


def _parts_of(export: Export) -> tuple[tuple[int, ...], ...]:
    return split_file_groups(formats_of(export.snapshot))


def _is_last(export: Export) -> bool:
    return export.part + 1 >= len(_parts_of(export))


@dataclass(frozen=True)
class _Collected:
    """What a part's job made: files in their places, sheets that are `held` where they are, and
    why the part failed, if it did."""

    files: tuple[ExportedFile, ...] = ()
    held: tuple[ExportedFile, ...] = ()
    failure: ErrorInfo | None = None
    is_empty: bool = False
    is_skipped: bool = False


def _skip(services: Services, record: Attempt, export: Export) -> Answer:
    """There is nothing to say: no file is delivered, nor stays of an attempt or a revision before
    in which there was."""
    if export.failures or export.revision > 1:
        services.files.discard(None, claimed_places(services, export))
    finish_completed(services, record, export, ())
    return answer(export.export_id, record.attempt, Phase.DONE)


def _collect_job(
    services: Services, export: Export, result: JobResult, limit: TimeLimit
) -> _Collected:
    """What this part's job made, with the merged file and the zip if it is the last part.

    Nothing is brought to a place unless every file of the result was one that was asked for.
    """
    if result.status == "FAILED":
        error = result.error or ErrorInfo("UNKNOWN", "QuickSight gave no reason")
        return _Collected(failure=error)
    positions = _parts_of(export)[export.part]
    selections = selections_of(export.snapshot)
    try:
        outcomes = match_results({place: selections[place] for place in positions}, result.groups)
    except ResultMismatchError as error:
        return _Collected(failure=result.error or ErrorInfo(RESULT_MISMATCH, str(error)))
    rule, empty = export.if_empty, False
    if rule is not None and export.part == 0:
        judged = is_empty(services, export, rule, outcomes)
        if isinstance(judged, ErrorInfo):
            return _Collected(failure=result.error or judged)
        if judged and rule.action == IfEmpty.SKIP and result.error is None:
            return _Collected(is_empty=True, is_skipped=True)
        empty = judged
        if rule.is_hidden:
            del outcomes[0]
    password = password_of(services, export)
    if isinstance(password, ErrorInfo):
        return _Collected(failure=result.error or password)
    merge = export.merge
    sheets = {place: each for place, each in outcomes.items() if merge and merge.holds(place)}
    single = {place: each for place, each in outcomes.items() if place not in sheets}
    files = _bring_files(services, export, single, limit, password)
    held = _look_at_sheets(services, export, sheets)
    failure = result.error or _first_error_of(files | held, hidden_files(export))
    made = _Collected((*files.values(),), (*held.values(),), failure, empty)
    if failure is not None or not _is_last(export):
        return made
    if merge is not None:
        whole = replace(export, held=(*export.held, *made.held))
        made = _with(made, merge_sheets(services, whole, merge, limit, password))
    if export.zip and made.failure is None:
        all_files = (*export.files, *made.files)
        made = _with(made, zip_export(services, export, all_files, limit))
    return made


def _with(made: _Collected, file: ExportedFile) -> _Collected:
    return replace(made, files=(*made.files, file), failure=file.error)


def _look_at_sheets(
    services: Services, export: Export, outcomes: Mapping[int, FileOutcome]
) -> dict[int, ExportedFile]:
    """Sheets where QuickSight wrote them, by their positions in the request."""
    formats = formats_of(export.snapshot)
    return {
        position: services.files.look(outcome.uri, formats[position])
        if outcome.uri and outcome.error is None
        else ExportedFile(format=formats[position], error=outcome.error)
        for position, outcome in outcomes.items()
    }


def _bring_files(
    services: Services,
    export: Export,
    outcomes: Mapping[int, FileOutcome],
    limit: TimeLimit,
    password: Password | None,
) -> dict[int, ExportedFile]:
    """Bring files to the places that the request's names give them, by their positions in it."""
    formats = formats_of(export.snapshot)
    keys = claim_keys(services, export, [*outcomes])

    def bring(uri: str, kind: str, key: str) -> ExportedFile:
        if password is None:
            return services.files.collect(uri, kind, key, limit)
        return protect_file(services, export, (uri, kind), key, password, limit)

    return {
        position: bring(outcome.uri, formats[position], key)
        if outcome.uri and outcome.error is None
        else ExportedFile(format=formats[position], error=outcome.error)
        for (position, outcome), key in zip(outcomes.items(), keys, strict=True)
    }


def _first_error_of(files: Mapping[int, ExportedFile], hidden: int) -> ErrorInfo | None:
    for position, file in files.items():
        if file.error:
            text = f"file {position - hidden} ({file.format}): {file.error.message}"
            return ErrorInfo(file.error.code, text)
    return None


def _queue_next_part(
    services: Services, record: Attempt, export: Export, files: tuple[ExportedFile, ...]
) -> Answer:
    following = replace(
        export,
        attempt=record.attempt + 1,
        part=export.part + 1,
        failures=0,
        files=files,
        error=None,
        job_seconds=job_seconds(record, export),
    )
    try:
        services.store.queue_next(record, following)
    except ConditionFailedError:
        return answer_without_attempt(services, export.export_id, record.attempt)
    logger.info(
        "part collected",
        reason="more files than one job makes",
        export_id=export.export_id,
        part=export.part,
    )
    admit(services)
    return answer(export.export_id, record.attempt, Phase.DONE)


def _after_failure(
    services: Services,
    record: Attempt,
    export: Export,
    failure: ErrorInfo,
    files: tuple[ExportedFile, ...] = (),
) -> Answer:
    export_id, attempt = export.export_id, record.attempt
    failures = export.failures + 1
    services.measure(Metric.JOBS_FAILED, 1)
    verdict = judge_failure(failure.code, failures)
    logger.warning(
        "snapshot job failed",
        reason=verdict.reason,
        error_code=failure.code,
        export_id=export_id,
        attempt=attempt,
        again=verdict.again,
    )
    if not verdict.again:
        finish_failed(services, record, export, failure, files)
        return answer_without_attempt(services, export_id, attempt)
    again = replace(export, attempt=attempt + 1, failures=failures, error=failure)
    try:
        services.store.queue_next(record, again, services.now() + verdict.delay)
    except ConditionFailedError:
        return answer_without_attempt(services, export_id, attempt)
    return answer(export_id, attempt, Phase.WAITING, wait=round(verdict.delay) + 1)


def _later(
    services: Services, record: Attempt, export: Export, error: QuickSightError | TransientError
) -> Answer:
    too_slow = isinstance(error, TransferTooSlowError)
    kept = SLOW_KEPT_SECONDS if too_slow else RESULT_KEPT_SECONDS
    if _since_job(services, record) < kept:
        raise TransientError(f"collect: {error}") from None
    if too_slow:
        return _give_up(services, record, export, str(error), code="TRANSFER_TOO_SLOW")
    return _give_up(services, record, export, f"no result within 6 hours: {error}")


def _since_job(services: Services, record: Attempt) -> float:
    ended_at = record.job_ended_at or record.released_at or record.admitted_at
    return services.now() - ended_at


def _give_up(
    services: Services,
    record: Attempt,
    export: Export,
    reason: str,
    code: str = "RESULT_UNAVAILABLE",
) -> Answer:
    finish_failed(services, record, export, ErrorInfo(code, reason))
    return answer_without_attempt(services, export.export_id, record.attempt)

"""Finish: an export reaches its end, once, and its end is announced.

Order of writes: the end is noted on the export first, with all that its announcement says,
conditional on no cancellation and no other end; then the event goes out; then one transaction
writes the end, removes the attempt and puts the export's mails into the outbox; then these are
asked for, which the sweep does too (flows/delivery/sweep.py). Dying in between announces the same
again and never leaves an end unannounced: events are delivered at least once. What was noted stays
true: a step that is repeated and finds another outcome completes the end that was noted.
"""

from __future__ import annotations

from dataclasses import replace

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.adapters.table.throughput import Overheads
from snapshot_export.domain.export import Attempt, ErrorInfo, Export, ExportedFile, Status
from snapshot_export.domain.naming import raw_folder_of
from snapshot_export.errors import ConditionFailedError, TransientError
from snapshot_export.flows.burst_queue import ask_for_close
from snapshot_export.flows.delivery.ask import ask_for_deliveries
from snapshot_export.flows.export.file_names import claimed_places
from snapshot_export.metric import Metric

_ENDS = {
    Status.COMPLETED: Metric.EXPORTS_COMPLETED,
    Status.FAILED: Metric.EXPORTS_FAILED,
    Status.CANCELLED: Metric.EXPORTS_CANCELLED,
}

logger = Logger(child=True)


def finish_failed(
    services: Services,
    record: Attempt,
    export: Export,
    error: ErrorInfo,
    files: tuple[ExportedFile, ...] = (),
) -> None:
    """The export failed for good; what files it has are kept."""
    _finish(services, record, export, Status.FAILED, files, error)


def finish_completed(
    services: Services, record: Attempt, export: Export, files: tuple[ExportedFile, ...]
) -> None:
    """Every file of the export is in its place."""
    _finish(services, record, export, Status.COMPLETED, files, None)


def finish_cancelled(services: Services, record: Attempt, export: Export) -> None:
    """The export was marked as cancelled: nothing of it is delivered, and no event is sent."""
    bucket = services.settings.export_bucket
    recorded = [file.uri for file in export.files if file.uri]
    services.files.discard(
        raw_folder_of(export.snapshot, export.export_id, bucket),
        dict.fromkeys([*recorded, *claimed_places(services, export)]),
    )
    reason = ErrorInfo("CANCELLED", "cancelled on request while it ran")
    _finish(services, record, export, Status.CANCELLED, (), reason)


def complete_end(services: Services, record: Attempt, export: Export) -> None:
    """Announce and write the end that is noted on an export, as it was noted."""
    assert export.ending is not None
    error = export.error
    if export.ending is Status.COMPLETED:
        error = None
    elif error is None:
        error = ErrorInfo("UNKNOWN", "an older version noted the end without its reason")
    finished_at = export.ending_at or services.now()
    done = replace(export, status=export.ending, error=error, finished_at=finished_at)
    _write_end(services, record, done)


def job_seconds(record: Attempt, export: Export) -> float | None:
    """How long the export's jobs ran, this attempt's included; None if none did."""
    if record.started_at is None or record.job_ended_at is None:
        return export.job_seconds
    return (export.job_seconds or 0.0) + max(0.0, record.job_ended_at - record.started_at)


def _finish(
    services: Services,
    record: Attempt,
    export: Export,
    status: Status,
    files: tuple[ExportedFile, ...],
    error: ErrorInfo | None,
) -> None:
    done = replace(
        export,
        status=status,
        files=files,
        error=error,
        finished_at=services.now(),
        job_seconds=job_seconds(record, export),
    )
    if status is not Status.CANCELLED:
        try:
            services.store.begin_end(record, done)
        except ConditionFailedError:
            _end_otherwise(services, record, done)
            return
    _write_end(services, record, done)


def _end_otherwise(services: Services, record: Attempt, done: Export) -> None:
    """A cancellation, or another run of this step, came before this end was noted.

    Raises ConditionFailedError if neither did: then a start of its job was noted meanwhile.
    """
    now_is = services.store.export(done.export_id)
    if now_is is None or not _is_of(now_is, record):
        _log_finished_before(services, done)
    elif now_is.ending is not None:
        complete_end(services, record, now_is)
    elif now_is.cancel_requested_at is not None:
        finish_cancelled(services, record, replace(now_is, files=done.files))
    else:
        raise ConditionFailedError("the attempt changed")


def _is_of(export: Export, record: Attempt) -> bool:
    present = (export.status, export.attempt, export.admission)
    return present == (Status.RUNNING, record.attempt, record.admission)


def _log_finished_before(services: Services, done: Export) -> None:
    logger.info("finished before", reason=done.status.value, export_id=done.export_id)
    ask_for_close(services, done.burst_id)


def _write_end(services: Services, record: Attempt, done: Export) -> None:
    status, finished_at = done.status, done.finished_at or services.now()
    if status is not Status.CANCELLED:
        services.events.announce_end(done)
    try:
        expires_at = services.settings.expires_at(finished_at, burst_since=done.burst_since)
        services.store.finish(record, done, expires_at)
    except ConditionFailedError:
        _log_finished_before(services, done)
        return
    ask_for_deliveries(services, done)
    ask_for_close(services, done.burst_id)
    services.measure(_ENDS[status], 1)
    if status is Status.COMPLETED:
        if done.deadline is not None:
            services.measure(Metric.DEADLINES_MISSED, int(finished_at > done.deadline))
        _count_completed(services, record, finished_at)
    logger.info(
        "finished",
        reason=done.error.code if done.error else status.value,
        status=status.value,
        error_code=done.error.code if done.error else None,
        export_id=done.export_id,
        files=len(done.files),
    )


def _count_completed(services: Services, record: Attempt, now: float) -> None:
    """For GET /capacity's throughput and the forecast: the end stands whatever happens here."""
    overheads = None
    if record.held_idle is not None and record.released_at is not None:
        collecting = max(0.0, now - record.released_at)
        overheads = Overheads(held_idle=record.held_idle, collecting=collecting)
    try:
        services.throughput.count_completed(now, overheads)
    except TransientError as error:
        logger.warning("not counted", reason=str(error))

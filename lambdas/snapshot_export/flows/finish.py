"""Finish: an export reaches its end, once, and its end is announced.

Order of writes: the end is noted on the export first, conditional on no cancellation, so that what
is announced stays true; then the event goes out; then one transaction writes the end and removes
the attempt. Dying in between announces again and never leaves an end unannounced: events are
delivered at least once.
"""

from __future__ import annotations

from dataclasses import replace

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.adapters.throughput import Overheads
from snapshot_export.domain.export import Attempt, ErrorInfo, Export, ExportedFile, Status
from snapshot_export.domain.metric import Metric
from snapshot_export.domain.naming import raw_prefix
from snapshot_export.errors import ConditionFailedError, TransientError
from snapshot_export.flows.close_burst import ask_for_close

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
    services.files.discard(
        raw_prefix(export.export_id), [file.uri for file in export.files if file.uri]
    )
    reason = ErrorInfo("CANCELLED", "cancelled on request while it ran")
    _finish(services, record, export, Status.CANCELLED, (), reason)


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
    if status is not Status.CANCELLED and not _may_end(services, record, export, status, files):
        return
    now = services.now()
    done = replace(
        export,
        status=status,
        files=files,
        error=error,
        finished_at=now,
        job_seconds=job_seconds(record, export),
    )
    if status is not Status.CANCELLED:
        services.events.announce_end(done)
    try:
        services.store.finish(record, done, services.settings.expires_at(now))
    except ConditionFailedError:
        logger.info("finished before", reason=status.value, export_id=export.export_id)
        ask_for_close(services, export.burst_id)
        return
    ask_for_close(services, export.burst_id)
    services.measure(_ENDS[status], 1)
    if status is Status.COMPLETED:
        if export.deadline is not None:
            services.measure(Metric.DEADLINES_MISSED, int(now > export.deadline))
        _count_completed(services, record, now)
    logger.info(
        "finished",
        reason=error.code if error else status.value,
        status=status.value,
        error_code=error.code if error else None,
        export_id=export.export_id,
        files=len(files),
    )


def _may_end(
    services: Services,
    record: Attempt,
    export: Export,
    status: Status,
    files: tuple[ExportedFile, ...],
) -> bool:
    """Note the end to be announced. False if a cancellation or another run came first."""
    try:
        services.store.begin_end(record, status)
        return True
    except ConditionFailedError:
        now_is = services.store.export(export.export_id)
    if now_is is not None and now_is.status is Status.RUNNING and now_is.cancel_requested_at:
        finish_cancelled(services, record, replace(export, files=files))
    else:
        logger.info("finished before", reason=status.value, export_id=export.export_id)
        ask_for_close(services, export.burst_id)
    return False


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

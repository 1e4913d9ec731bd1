"""Move on what waited for data, as it was decided: start it, hold it, or let it fail.

Order of writes: starting and holding are one transaction each, which takes the request from among
those that wait. Before it, an export takes its place in the order by a write of its own, of which
a death leaves a gap that nobody sees (flows/export/rank.py); that one will be held is announced
before, so that nobody misses it. A failed export's end is noted first, then announced, then
written, as flows/export/finish.py does it: a death in between announces the same again. A failed
burst is left to its closing, which announces it: its error is written, and the closing is asked
for; where the asking got lost, the reconciler finds the marker, as it does for one whose expansion
was not asked for. What does not wait any more, since it was cancelled meanwhile, is only forgotten;
one that moves at this very moment is looked at again in the next pass.
"""

from __future__ import annotations

from dataclasses import replace

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.adapters.table.data_waits import Member
from snapshot_export.domain.burst import Burst, BurstStatus, Work
from snapshot_export.domain.data_wait import NOT_READY, DataDecision, DataWait, Outcome
from snapshot_export.domain.export import BEFORE_BACKLOG, ErrorInfo, Export, Status
from snapshot_export.errors import (
    ConditionFailedError,
    NewerRecordError,
    UnreadableRecordError,
)
from snapshot_export.flows.burst_queue import ask_for
from snapshot_export.flows.export.rank import ranked
from snapshot_export.metric import Metric

logger = Logger(child=True)


def move_member(services: Services, wait: DataWait, member: Member, decision: DataDecision) -> None:
    """Do with one that waited what was decided. Repeating it changes nothing.

    Raises TransientError.
    """
    try:
        if member.kind == "BURST":
            burst = services.bursts.find(member.request_id)
            if burst is not None and burst.status is BurstStatus.WAITING_FOR_DATA:
                move_burst(services, burst, decision)
                return
        else:
            export = services.store.export(member.request_id)
            if export is not None and export.status in BEFORE_BACKLOG:
                move_export(services, export, decision)
                return
    except (ConditionFailedError, NewerRecordError, UnreadableRecordError) as error:
        logger.warning("not moved", reason=str(error), request_id=member.request_id)
        return
    services.waits.drop(wait, member)


def move_export(services: Services, export: Export, decision: DataDecision) -> None:
    """Raises ConditionFailedError if it moved meanwhile."""
    if export.ending is not None:
        _end_failure(services, export)
        return
    if decision.outcome is Outcome.FAILED:
        failed = replace(
            export,
            status=Status.FAILED,
            ending=Status.FAILED,
            error=ErrorInfo(NOT_READY, decision.text),
            ending_at=services.now(),
            finished_at=services.now(),
            data=decision,
        )
        services.waits.begin_failure(export, failed)
        _end_failure(services, failed)
    elif decision.outcome is Outcome.HELD:
        services.events.announce_late_data(export, decision)
        services.waits.hold_export(export, decision)
        services.measure(Metric.REQUESTS_HELD, 1)
    else:
        warnings = tuple(dict.fromkeys((*export.warnings, *decision.warnings)))
        queue_export(services, replace(export, data=decision, warnings=warnings))
    _log(decision, export_id=export.export_id)


def queue_export(services: Services, export: Export) -> None:
    """Put an export that waits into the backlog, with what was decided of it.

    Its place is as of now, when it can run: while it waited, it had none. Raises
    ConditionFailedError if it moved meanwhile.
    """
    queued = ranked(services, replace(export, status=Status.QUEUED), services.now())
    services.waits.start_export(export, queued)


def move_burst(services: Services, burst: Burst, decision: DataDecision) -> None:
    """Raises ConditionFailedError if it moved meanwhile."""
    now = services.now()
    if decision.outcome is Outcome.HELD:
        services.events.announce_late_data(burst, decision)
        services.waits.hold_burst(burst, decision, now)
        services.measure(Metric.REQUESTS_HELD, 1)
        _log(decision, burst_id=burst.burst_id)
        return
    started = replace(
        burst,
        status=first_status(burst),
        data=decision,
        warnings=tuple(dict.fromkeys((*burst.warnings, *decision.warnings))),
        touched_at=now,
    )
    if decision.outcome is Outcome.FAILED:
        error = ErrorInfo(NOT_READY, decision.text)
        started = replace(started, status=BurstStatus.RUNNING, error=error)
    services.waits.start_burst(burst, started)
    ask_for(services, burst.burst_id, started.work_left or Work.CLOSE)
    _log(decision, burst_id=burst.burst_id)


def first_status(burst: Burst) -> BurstStatus:
    """Where a burst goes on that waited: it has its recipients, or queries for them."""
    return BurstStatus.EXPANDING if burst.manifest_uri else BurstStatus.QUERYING


def _end_failure(services: Services, export: Export) -> None:
    finished_at = export.ending_at or services.now()
    done = replace(export, status=Status.FAILED, finished_at=finished_at)
    services.events.announce_end(done)
    expires_at = services.settings.expires_at(finished_at)
    services.waits.end_failure(export, expires_at)
    services.measure(Metric.EXPORTS_FAILED, 1)


def _log(
    decision: DataDecision, *, export_id: str | None = None, burst_id: str | None = None
) -> None:
    logger.info(
        "data decided", reason=decision.outcome.value, export_id=export_id, burst_id=burst_id
    )

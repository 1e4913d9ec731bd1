"""Release: somebody says go for what waits for data, or is held since it did not come.

Order of writes: one transaction moves it, conditional on its being held or waiting, so a second
call finds it gone on and changes nothing. Then an export is admitted; the work on a burst is asked
for by flows/burst/release.py.
"""

from __future__ import annotations

from dataclasses import replace

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst import Burst
from snapshot_export.domain.data_wait import DataDecision, DataWait, Outcome
from snapshot_export.domain.export import BEFORE_BACKLOG, Export
from snapshot_export.domain.security_warning import SecurityWarning
from snapshot_export.errors import AlreadyEndedError, ConditionFailedError, UnknownIdError
from snapshot_export.flows.data.move import first_status, queue_export
from snapshot_export.flows.export.admit import try_admit

logger = Logger(child=True)


def release_export(services: Services, export_id: str) -> Export:
    """Put an export that waits for data or is held into the backlog; one that went on stays as it
    is. Raises UnknownIdError, AlreadyEndedError, TransientError."""
    export = services.store.export(export_id)
    if export is None:
        raise UnknownIdError("export")
    if export.status.is_end or export.ending:
        raise AlreadyEndedError("export", export.ending or export.status)
    services = services.for_target(export.target)
    if export.status in BEFORE_BACKLOG:
        data = _released(export.wait, export.data, services.now())
        try:
            queue_export(services, replace(export, data=data, warnings=_warned(export, data)))
            logger.info("released", reason="asked", export_id=export_id)
        except ConditionFailedError:
            logger.info("not released", reason="went on elsewhere", export_id=export_id)
        try_admit(services)
    return services.store.export(export_id) or export


def release_from_data(services: Services, burst: Burst) -> None:
    """Let a burst that waits for data, or is held for it, go on; one that went on stays as it is.

    `services` are as of its target. Raises TransientError.
    """
    now = services.now()
    data = _released(burst.wait, burst.data, now)
    started = replace(
        burst,
        status=first_status(burst),
        data=data,
        warnings=_warned(burst, data),
        touched_at=now,
        released_at=now,
    )
    try:
        services.waits.start_burst(burst, started)
        logger.info("burst released", reason="asked", burst_id=burst.burst_id)
    except ConditionFailedError:
        logger.info("not released", reason="went on elsewhere", burst_id=burst.burst_id)


def _released(wait: DataWait | None, data: DataDecision | None, now: float) -> DataDecision | None:
    """The decision as it stands on what was released; None for what never waited for data."""
    if data is not None:
        return replace(data, outcome=Outcome.RELEASED, decided_at=now)
    if wait is None:
        return None
    return DataDecision(
        decided_at=now, outcome=Outcome.RELEASED, since=wait.since, until=wait.until
    )


def _warned(record: Export | Burst, data: DataDecision | None) -> tuple[SecurityWarning, ...]:
    return tuple(dict.fromkeys((*record.warnings, *(data.warnings if data else ()))))

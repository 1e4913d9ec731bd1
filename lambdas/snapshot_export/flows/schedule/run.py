"""Run a schedule by hand: its occurrences are accepted here, as its messages would be.

Order of writes: one occurrence after the other, each accepted as an export or a burst is. A
function that dies leaves some of them accepted; the call, repeated, finds these by their ids and
goes on with the others. One that cannot be accepted stops those behind it, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst_request import check_burst
from snapshot_export.domain.export import Status
from snapshot_export.domain.json_text import read_json
from snapshot_export.domain.occurrence import Occurrence, problems_under
from snapshot_export.domain.schedule import Schedule
from snapshot_export.domain.schedule_run import occurrence_by_hand, times_of_run
from snapshot_export.flows.burst.accept import accept_burst
from snapshot_export.flows.export.accept import accept_request
from snapshot_export.flows.export.admit import try_admit
from snapshot_export.flows.schedule.manage import get_schedule

logger = Logger(child=True)


@dataclass(frozen=True)
class Run:
    """An occurrence, and whether this call had it accepted: it may have been before."""

    occurrence: Occurrence
    is_new: bool


def run_schedule(services: Services, name: str, body: str) -> tuple[Schedule, list[Run]]:
    """Have occurrences of a schedule accepted that were not; answers all that were asked for.

    Raises UnknownIdError, InvalidRequestError, IdConflictError, TransientError, QuickSightError.
    """
    schedule = get_schedule(services, name)
    times = times_of_run(schedule, read_json(body or "{}"), services.utc_now())
    with problems_under(schedule.kind):
        occurrences = [occurrence_by_hand(schedule, at) for at in times]
    runs = [*_accept_all(services, occurrences)]
    if any(run.is_new for run in runs):
        try_admit(services.for_target(schedule.target))
    return schedule, runs


def _accept_all(services: Services, occurrences: list[Occurrence]) -> Iterator[Run]:
    for occurrence in occurrences:
        is_new = not _is_known(services, occurrence)
        if is_new:
            with problems_under(occurrence.kind):
                _accept(services, occurrence)
        reason = "run by hand" if is_new else "accepted before"
        logger.info(
            "schedule occurs", reason=reason, schedule=occurrence.schedule,
            request_id=occurrence.request_id,
        )  # fmt: skip
        yield Run(occurrence, is_new)


def _is_known(services: Services, occurrence: Occurrence) -> bool:
    """A message of it that was refused does not count: its record gives way to the export."""
    if occurrence.kind == "Burst":
        return services.bursts.find(occurrence.request_id) is not None
    export = services.store.export(occurrence.request_id)
    return export is not None and export.status is not Status.REJECTED


def _accept(services: Services, occurrence: Occurrence) -> None:
    source, now = occurrence.request_id, services.now()
    if occurrence.kind == "Burst":
        burst = check_burst(occurrence.body, services.targets)
        accept_burst(services, burst, source=source, accepted_at=now, occurrence=occurrence)
    else:
        accept_request(services, json.dumps(occurrence.body), source=source, accepted_at=now)

"""Every few minutes: the schedules are read once; starts are moved, missed occurrences found, and
schedules whose dashboard no longer has what they name.

A schedule that cannot be read is measured like one whose start cannot be moved, and holds up no
other; so are all of them, if not even their names can be read. What is written has its order in
find_missed, move_starts and find_outdated: a death loses nothing but this pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.problem import InvalidRequestError
from snapshot_export.domain.schedule import Schedule
from snapshot_export.errors import TransientError, UnreadableRecordError
from snapshot_export.flows.periodic.find_missed import find_missed
from snapshot_export.flows.periodic.find_outdated import find_outdated
from snapshot_export.flows.periodic.move_starts import Moved, move_starts
from snapshot_export.metric import Metric

MAX_SCHEDULES = 200
"""More are reported by each pass: they fire, but nothing looks after them."""

logger = Logger(child=True)


@dataclass(frozen=True, kw_only=True)
class SchedulesPass:
    """What one pass did, how many occurrences it found missed, and how many schedules outdated."""

    moved: Moved
    missed: int
    outdated: int


def pass_over_schedules(services: Services) -> SchedulesPass:
    """One pass over the first MAX_SCHEDULES. Raises TransientError if their names are not read."""
    try:
        names = services.schedules.first_names(MAX_SCHEDULES + 1)
    except (TransientError, InvalidRequestError) as error:
        _report(services, str(error))
        raise
    if len(names) > MAX_SCHEDULES:
        _report(services, f"only the first {MAX_SCHEDULES} are looked after")
    enabled = [*_read_enabled(services, names[:MAX_SCHEDULES])]
    return SchedulesPass(
        moved=move_starts(services, enabled),
        missed=find_missed(services, enabled),
        outdated=find_outdated(services, enabled),
    )


def _read_enabled(services: Services, names: list[str]) -> Iterator[Schedule]:
    """Those that are enabled and have not ended."""
    now = services.utc_now()
    for name in names:
        try:
            schedule = services.schedules.get(name)
        except (TransientError, InvalidRequestError, UnreadableRecordError) as error:
            _report(services, str(error), schedule=name)
            continue
        if schedule and schedule.state == "ENABLED" and not schedule.has_ended(now):
            yield schedule


def _report(services: Services, reason: str, **name: str) -> None:
    services.measure(Metric.STARTS_NOT_MOVED, 1)
    logger.error("schedule not read", reason=reason, extra=name)

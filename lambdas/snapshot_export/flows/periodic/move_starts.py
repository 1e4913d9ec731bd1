"""Move starts: schedules that say ReadyBy start as late as the forecast lets them.

Every few minutes, for each whose next moment is near. The Scheduler's entry fires every day by
itself, at the start that it was moved to last, and this only moves it: a day on which nothing moves
it is not skipped. What is due already, because the start was moved into the past, is sent here at
once, with the message that the Scheduler would send.
Nothing runs twice: an occurrence is named after its ReadyBy moment, whoever sends it and whenever,
and an occurrence that was accepted before changes nothing. Order of writes: the message first, then
nothing else; a function that dies before it sends again in the next pass. A schedule that cannot be
planned, read or moved now holds up no other, and is tried in the next pass; in two passes running
it is an alarm (StartsNotMoved).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.occurrence import occurrence_id
from snapshot_export.domain.problem import InvalidRequestError
from snapshot_export.domain.ready_by import ReadyBy
from snapshot_export.domain.schedule import Schedule
from snapshot_export.errors import SnapshotExportError
from snapshot_export.flows.schedule.plan_start import Sight, next_moment, plan_start
from snapshot_export.metric import Metric

MOVED_FROM = timedelta(minutes=3)
"""A start that differs by less stays where it is."""
AHEAD = timedelta(minutes=30)
"""A start is looked at from this long before the earliest that it can be."""

logger = Logger(child=True)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What one pass did."""

    starts_moved: int = 0
    starts_made: int = 0
    starts_not_moved: int = 0


def move_starts(services: Services, enabled: Sequence[Schedule]) -> Moved:
    """One pass over those of the enabled schedules that say ReadyBy."""
    schedules = [each for each in enabled if each.ready_by]
    moved = made = failed = 0
    sights: dict[str, Sight] = {}
    for schedule in schedules:
        try:
            own = services.for_target(schedule.target)
            seen = sights.setdefault(schedule.target, Sight(own))
            has_moved, is_made = _move_start(own, schedule, schedules, seen)
        except (SnapshotExportError, InvalidRequestError) as error:
            logger.warning("start not moved", reason=str(error), schedule=schedule.name)
            failed += 1
            continue
        moved, made = moved + has_moved, made + is_made
    if failed:
        services.measure(Metric.STARTS_NOT_MOVED, failed)
    return Moved(starts_moved=moved, starts_made=made, starts_not_moved=failed)


def _move_start(
    services: Services, schedule: Schedule, schedules: list[Schedule], seen: Sight
) -> tuple[bool, bool]:
    """Whether the schedule's start was moved, and whether it was made here."""
    ready_by, now = schedule.ready_by, services.utc_now()
    if ready_by is None:
        return False, False
    moment = next_moment(services, schedule, ready_by)
    if now < moment - ready_by.earliest - AHEAD:
        return False, False
    start = plan_start(services, schedule, moment, schedules, seen)
    if start <= now:
        return False, _make(services, schedule, ready_by, moment)
    return _move(services, schedule, ready_by, moment, start), False


def _make(services: Services, schedule: Schedule, ready_by: ReadyBy, moment: datetime) -> bool:
    """Start an occurrence here: its start lies in the past."""
    services.intake.send(schedule.message_at(services.utc_now()))
    logger.info(
        "schedule started",
        reason="its start was moved into the past",
        schedule=schedule.name,
        request_id=occurrence_id(schedule.name, moment),
        latest=(moment - ready_by.latest).isoformat(),
    )
    return True


def _move(
    services: Services, schedule: Schedule, ready_by: ReadyBy, moment: datetime, start: datetime
) -> bool:
    present = ready_by.start_in(schedule.expression, moment)
    if present is not None and abs(present - start) < MOVED_FROM:
        return False
    if not services.schedules.move(schedule, schedule.starting(start), services.utc_now()):
        return False
    logger.info(
        "start moved",
        reason="forecast",
        schedule=schedule.name,
        start=start.isoformat(),
        ready_by=moment.isoformat(),
    )
    return True

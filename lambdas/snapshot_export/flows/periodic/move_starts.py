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
from datetime import UTC, datetime, timedelta
from functools import cached_property

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.forecast import latest_safe_start
from snapshot_export.domain.occurrence import occurrence_id
from snapshot_export.domain.parts import formats_of
from snapshot_export.domain.problem import InvalidRequestError
from snapshot_export.domain.ready_by import ReadyBy
from snapshot_export.domain.schedule import Schedule
from snapshot_export.domain.simulation import Situation
from snapshot_export.errors import SnapshotExportError
from snapshot_export.flows.forecast.forecast import PlannedExports, kinds_of, proposing, with_kinds
from snapshot_export.flows.forecast.situation import read_situation
from snapshot_export.metric import Metric

MOVED_FROM = timedelta(minutes=3)
"""A start that differs by less stays where it is."""
AHEAD = timedelta(minutes=30)
"""A start is looked at from this long before the earliest that it can be."""
GRACE = timedelta(minutes=10)
"""A start that nobody made is made up for so long after the latest that it may have."""
MARGIN_SECONDS = 120.0
"""Left between the P95 and the moment: for reading recipients, and for what was not foreseen."""
LOOK_BACK = 7
"""Occurrences before this one of which the recipients are looked up."""
USUAL_PRIORITY = 5

logger = Logger(child=True)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What one pass did."""

    starts_moved: int = 0
    starts_made: int = 0
    starts_not_moved: int = 0


class Sight:
    """What runs and waits on a target, read once in a pass, and only if a start depends on it."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @cached_property
    def situation(self) -> Situation:
        """The situation when it was first asked for."""
        return read_situation(self._services).situation


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
    ready_by, now = schedule.ready_by, _now(services)
    if ready_by is None:
        return False, False
    moment = next_moment(services, schedule, ready_by)
    if now < moment - ready_by.earliest - AHEAD:
        return False, False
    start = plan_start(services, schedule, moment, schedules, seen)
    if start <= now:
        return False, _make(services, schedule, ready_by, moment)
    return _move(services, schedule, ready_by, moment, start), False


def plan_start(
    services: Services,
    schedule: Schedule,
    moment: datetime,
    schedules: list[Schedule],
    seen: Sight,
) -> datetime:
    """When the schedule should start to be ready by a moment in 19 of 20 cases.

    Behind what runs and waits now, and together with the other schedules that must be ready while
    it runs. As early as it may be where its recipients are not known, or where no start is safe.
    """
    ready_by = schedule.ready_by
    if ready_by is None:
        raise ValueError("only of a schedule with ReadyBy")
    own = _exports_of(services, schedule, ready_by, moment)
    if own is None:
        return ready_by.start_for(moment, None)
    beside = (_beside(services, other, schedule, moment) for other in schedules)
    exports = [own, *(each for each in beside if each is not None)]
    kinds = [kind for each in exports for kind in kinds_of(each.dashboard_id, each.formats)]
    situation = with_kinds(services, seen.situation, kinds)
    latest = latest_safe_start(
        situation,
        proposing(situation, exports, priority=_priority_of(schedule), deadline=moment.timestamp()),
        moment.timestamp() - MARGIN_SECONDS,
        earliest=(moment - ready_by.earliest).timestamp(),
    )
    return ready_by.start_for(moment, datetime.fromtimestamp(latest, UTC) if latest else None)


def _now(services: Services) -> datetime:
    return datetime.fromtimestamp(services.now(), UTC)


def next_moment(services: Services, schedule: Schedule, ready_by: ReadyBy) -> datetime:
    """The first moment that was not begun, and whose start the schedule's dates allow."""
    now = _now(services)
    moment = ready_by.moment_after(max(now, schedule.start or now))
    late = now > moment - ready_by.latest + GRACE
    if late or _is_begun(services, schedule, moment):
        return ready_by.moment_after(moment)
    return moment


def _is_begun(services: Services, schedule: Schedule, moment: datetime) -> bool:
    """Whether its occurrence was accepted, or refused."""
    request_id = occurrence_id(schedule.name, moment)
    if schedule.kind == "Burst" and services.bursts.find(request_id):
        return True
    return services.store.export(request_id) is not None


def _exports_of(
    services: Services, schedule: Schedule, ready_by: ReadyBy, moment: datetime
) -> PlannedExports | None:
    """What the schedule submits for a moment; None if its recipients cannot be told."""
    request = schedule.request
    template = request["Template"] if schedule.kind == "Burst" else request
    count: int | None = 1
    if schedule.kind == "Burst":
        inline = request.get("Recipients")
        count = len(inline) if inline else _recipients_before(services, schedule, ready_by, moment)
    if not count:
        return None
    return PlannedExports(
        dashboard_id=template["DashboardId"], formats=formats_of(template), count=count
    )


def _priority_of(schedule: Schedule) -> int:
    request = schedule.request
    template = request.get("Template", {})
    return int(request.get("Priority") or template.get("Priority") or USUAL_PRIORITY)


def _recipients_before(
    services: Services, schedule: Schedule, ready_by: ReadyBy, moment: datetime
) -> int | None:
    """How many the newest occurrence had whose manifest was read; else as the schedule says."""
    for before in ready_by.moments_before(moment, LOOK_BACK):
        burst = services.bursts.find(occurrence_id(schedule.name, before))
        if burst is not None and burst.expanded_at is not None and burst.accepted:
            return burst.accepted
    return ready_by.expected_recipients


def _beside(
    services: Services, other: Schedule, schedule: Schedule, moment: datetime
) -> PlannedExports | None:
    """What another schedule of this target submits that must be ready while this one may run, or
    soon after."""
    rule, own = other.ready_by, schedule.ready_by
    if rule is None or own is None or other.name == schedule.name:
        return None
    if other.target != schedule.target:
        return None
    theirs = rule.moment_after(moment - own.earliest)
    if theirs > moment or _is_begun(services, other, theirs):
        return None
    return _exports_of(services, other, rule, theirs)


def _make(services: Services, schedule: Schedule, ready_by: ReadyBy, moment: datetime) -> bool:
    """Start an occurrence here: its start lies in the past."""
    services.intake.send(schedule.message_at(_now(services)))
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
    if not services.schedules.move(schedule, schedule.starting(start), _now(services)):
        return False
    logger.info(
        "start moved",
        reason="forecast",
        schedule=schedule.name,
        start=start.isoformat(),
        ready_by=moment.isoformat(),
    )
    return True

"""Plan a start: how late a schedule that says ReadyBy may start, by the forecast. Reads only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property

from snapshot_export.adapters.services import Services
from snapshot_export.domain.after import DASHBOARD
from snapshot_export.domain.backlog import DEFAULT_PRIORITY
from snapshot_export.domain.forecast import latest_safe_start
from snapshot_export.domain.merge import kinds_asked
from snapshot_export.domain.occurrence import occurrence_id
from snapshot_export.domain.ready_by import ReadyBy
from snapshot_export.domain.schedule import Schedule
from snapshot_export.domain.simulation import Situation
from snapshot_export.flows.forecast.forecast import PlannedExports, kinds_of, proposing, with_kinds
from snapshot_export.flows.forecast.situation import read_situation

GRACE = timedelta(minutes=10)
"""A start that nobody made is made up for so long after the latest that it may have."""
MARGIN_SECONDS = 120.0
"""Left between the P95 and the moment: for reading recipients, and for what was not expected."""
JUDGED_SECONDS = 90.0
"""From the end of a refresh to the start of what waited for it, which is looked at each minute."""
LOOK_BACK = 7
"""Occurrences before this one of which the recipients are looked up."""


class Sight:
    """What runs and waits on a target, read once in a pass, and only if a start depends on it."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @cached_property
    def situation(self) -> Situation:
        """The situation when it was first asked for."""
        return read_situation(self._services).situation


def plan_start(
    services: Services,
    schedule: Schedule,
    moment: datetime,
    schedules: list[Schedule],
    seen: Sight,
) -> datetime:
    """When the schedule should start to be ready by a moment in 19 of 20 cases.

    Behind what runs and waits now, and together with the other schedules that must be ready while
    it runs. With After, as if the refresh began with it, by what was learned of its length. As
    early as it may be where its recipients are not known, or where no start is safe.
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
        moment.timestamp() - MARGIN_SECONDS - _wait_for_data(services, schedule),
        earliest=(moment - ready_by.earliest).timestamp(),
    )
    return ready_by.start_for(moment, datetime.fromtimestamp(latest, UTC) if latest else None)


def next_moment(services: Services, schedule: Schedule, ready_by: ReadyBy) -> datetime:
    """The first moment that was not begun, and whose start the schedule's dates allow."""
    now = services.utc_now()
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
    """What the schedule submits for a moment; None if its recipients are not known."""
    request = schedule.request
    template = request["Template"] if schedule.kind == "Burst" else request
    count: int | None = 1
    if schedule.kind == "Burst":
        inline = request.get("Recipients")
        count = len(inline) if inline else _recipients_before(services, schedule, ready_by, moment)
    if not count:
        return None
    known = services.published.find(template["DashboardId"])
    sheets = len(known.sheets) if known else 1
    kinds = kinds_asked(template, sheets, services.settings.sheets_per_job)
    return PlannedExports(dashboard_id=template["DashboardId"], formats=kinds, count=count)


def _wait_for_data(services: Services, schedule: Schedule) -> float:
    """Seconds that the schedule's request waits for its data, if the refresh begins with it."""
    after = schedule.request.get("After")
    if after is None:
        return 0.0
    named = after.get("DataSets", DASHBOARD)
    if named == DASHBOARD:
        known = services.published.find(_dashboard_of(schedule))
        named = known.version.data_set_ids if known and known.version else ()
    return JUDGED_SECONDS + services.refreshes.longest(named)


def _dashboard_of(schedule: Schedule) -> str:
    request = schedule.request
    return str(request.get("Template", request)["DashboardId"])


def _priority_of(schedule: Schedule) -> int:
    request = schedule.request
    template = request.get("Template", {})
    return int(request.get("Priority") or template.get("Priority") or DEFAULT_PRIORITY)


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

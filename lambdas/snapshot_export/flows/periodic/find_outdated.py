"""Find outdated: schedules whose request names what their dashboard, as it is published, has not.

Without it such a schedule is found out when it occurs, by a refusal. Each is judged once an hour,
MAX_JUDGED in a pass, those that were judged longest ago first: DescribeDashboard, and the
definition where another version was published since, or the request is another. What is missing is
announced once for each version.
Order of writes: the event, then the note of the version, so a function that dies between the two
announces again, with the same EventId. A schedule that cannot be judged now holds up no other.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.adapters.table.judged_schedules import Judged
from snapshot_export.domain.burst_request import check_burst
from snapshot_export.domain.contents import MissingPart, Part, missing_in
from snapshot_export.domain.dashboard import Definition, Published
from snapshot_export.domain.json_text import digest_of
from snapshot_export.domain.occurrence import with_dates
from snapshot_export.domain.problem import InvalidRequestError
from snapshot_export.domain.request import check_request
from snapshot_export.domain.row_level_security import DashboardSecurity
from snapshot_export.domain.schedule import Schedule
from snapshot_export.errors import JobNotFoundError, RefusedError, SnapshotExportError
from snapshot_export.flows.dashboard.published import PATIENCE_SECONDS, read_definition

JUDGED_EVERY_SECONDS = 3600.0
MAX_JUDGED = 10

logger = Logger(child=True)


def find_outdated(services: Services, schedules: Sequence[Schedule]) -> int:
    """How many of these enabled schedules were announced as outdated."""
    now = services.now()
    due: list[tuple[float, Schedule, Judged | None]] = []
    for schedule in schedules:
        try:
            last = services.judged_schedules.find(schedule.name)
        except SnapshotExportError as error:
            _report(schedule, error)
            continue
        if last is None or now - last.at >= JUDGED_EVERY_SECONDS:
            due.append((last.at if last else 0.0, schedule, last))
    due.sort(key=lambda each: each[0])
    return sum(_is_outdated(services, schedule, last) for _, schedule, last in due[:MAX_JUDGED])


def _is_outdated(services: Services, schedule: Schedule, last: Judged | None) -> bool:
    """Judge one schedule, announce what is missing and note it."""
    digest = digest_of(schedule.request)
    known = last.version if last and last.digest == digest else None
    missing: tuple[MissingPart, ...] = ()
    version = known
    try:
        own = services.for_target(schedule.target)
        try:
            dashboard_id, snapshot = _asked(own, schedule)
            version, missing = _judge(own, dashboard_id, snapshot, known)
        except (InvalidRequestError, RefusedError) as error:
            _report(schedule, error)
        if missing:
            services.events.announce_outdated(schedule, dashboard_id, version, missing)
            logger.warning(
                "schedule outdated",
                reason=[f"{each.part} {each.name}" for each in missing],
                schedule=schedule.name,
                version=version,
            )
        judged = Judged(at=services.now(), digest=digest, version=version)
        services.judged_schedules.note(schedule.name, judged)
    except SnapshotExportError as error:
        _report(schedule, error)
        return False
    return bool(missing)


def _asked(services: Services, schedule: Schedule) -> tuple[str, dict[str, object]]:
    """The dashboard and the snapshot that it asks for. Raises InvalidRequestError."""
    dated = with_dates(schedule.kind, schedule.request, services.utc_now())
    if schedule.kind == "Burst":
        template = check_burst(dated, services.targets).template
        return template["DashboardId"], template
    request = check_request(dated, services.targets)
    more = {name: dated[name] for name in ("Merge", "Probe") if dated.get(name)}
    return request.dashboard_id, request.snapshot | more


def _judge(
    services: Services, dashboard_id: str, snapshot: dict[str, object], known: int | None
) -> tuple[int | None, tuple[MissingPart, ...]]:
    """The version to note, and what is missing in it that was not announced.

    A version whose definition could not be read is noted once something is missing in it.
    """
    try:
        version = services.quicksight.version(dashboard_id, patience=PATIENCE_SECONDS)
    except JobNotFoundError:
        gone = MissingPart(part=Part.DASHBOARD, name=dashboard_id)
        return 0, () if known == 0 else (gone,)
    if version.number == known:
        return known, ()
    read = read_definition(services, dashboard_id, version.number)
    definition = read if isinstance(read, Definition) else None
    published = Published(
        security=DashboardSecurity(read_at=services.now()), version=version, definition=definition
    )
    missing = tuple(MissingPart(part=each.part, name=each.name)
                    for each in missing_in(published, snapshot))  # fmt: skip
    return version.number if definition or missing else known, tuple(dict.fromkeys(missing))


def _report(schedule: Schedule, error: Exception) -> None:
    logger.warning("not judged", reason=str(error), schedule=schedule.name)

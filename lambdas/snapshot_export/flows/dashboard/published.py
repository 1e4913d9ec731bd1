"""Published: what QuickSight says of a dashboard, each call in its turn, kept for KEPT_SECONDS.

All functions share a reading through the table, so a dashboard in steady use costs one call and one
for each of its data sets a minute, however many exports it has. The definition costs one call for
each version that is published.

Nothing is decided by what is written here: a function that dies between reading and keeping reads
again. What QuickSight is too busy to answer is raised, and the caller tries again; only the
definition is done without for KEPT_SECONDS then, as when QuickSight refuses it, since what is
judged by it is a help and no protection.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.dashboard import Definition, Published, Version
from snapshot_export.domain.row_level_security import (
    DashboardSecurity,
    DataSetSecurity,
    Unreadable,
)
from snapshot_export.errors import (
    JobNotFoundError,
    NoTurnError,
    QuickSightError,
    RefusedError,
    UnknownIdError,
    UnreadableDashboardError,
)
from snapshot_export.metric import Metric

KEPT_SECONDS = 60.0
"""A change that is published is acted on after this long at most."""
PATIENCE_SECONDS = 5.0
"""A read whose turn comes later is left to the next try."""

logger = Logger(child=True)


def read_published(
    services: Services, dashboard_id: str, *, with_definition: bool = True
) -> Published:
    """What is published, read within the last KEPT_SECONDS.

    Where row-level security could not be read, the reading is not kept: it is asked for again, so
    that a right that is given helps at once. Raises NoTurnError, TransientError, and
    QuickSightError for what can pass.
    """
    known = services.published.find(dashboard_id)
    if known is not None and _is_fresh(known, services.now(), with_definition):
        return known
    return _read(services, dashboard_id, known, with_definition=with_definition)


def look_at_dashboard(services: Services, dashboard_id: str) -> tuple[Version, Published]:
    """What is published now, with the parameters' defaults, and which version it is.

    Raises UnknownIdError, UnreadableDashboardError, and what can pass as `read_published` does.
    """
    found = _read(services, dashboard_id, None, with_definition=True)
    if found.version is None:
        (lost,) = found.security.unreadable
        if lost.code == "ResourceNotFound":
            raise UnknownIdError("dashboard")
        raise UnreadableDashboardError(lost.text)
    return found.version, found


def read_definition(services: Services, dashboard_id: str, number: int) -> Definition | Unreadable:
    """The definition of a version, or why it is not there, whatever that is."""
    try:
        return services.quicksight.definition(dashboard_id, number, patience=PATIENCE_SECONDS)
    except (QuickSightError, NoTurnError) as error:
        code = error.code if isinstance(error, QuickSightError) else "NoTurn"
        resource, operation = f"dashboard/{dashboard_id}", "DescribeDashboardDefinition"
        return Unreadable(resource=resource, operation=operation, code=code)


def _is_fresh(known: Published, now: float, with_definition: bool) -> bool:
    is_whole = known.current is not None or known.unread is not None
    return now - known.security.read_at < KEPT_SECONDS and (is_whole or not with_definition)


def _read(
    services: Services, dashboard_id: str, known: Published | None, *, with_definition: bool
) -> Published:
    now = services.now()
    try:
        version = services.quicksight.version(dashboard_id, patience=PATIENCE_SECONDS)
    except (RefusedError, JobNotFoundError) as error:
        resource, operation = f"dashboard/{dashboard_id}", "DescribeDashboard"
        lost = Unreadable(resource=resource, operation=operation, code=error.code)
        found = Published(security=DashboardSecurity(read_at=now, unreadable=(lost,)))
    else:
        security = _read_security(services, version, now)
        definition = known.definition if known else None
        found = Published(security=security, version=version, definition=definition)
        if with_definition and found.current is None:
            read = read_definition(services, dashboard_id, version.number)
            unread = read if isinstance(read, Unreadable) else None
            definition = None if isinstance(read, Unreadable) else read
            found = Published(
                security=security, version=version, definition=definition, unread=unread
            )
    _keep(services, dashboard_id, found, reason="not known" if known is None else "too old")
    return found


def _keep(services: Services, dashboard_id: str, found: Published, reason: str) -> None:
    unreadable = [*found.security.unreadable, *([found.unread] if found.unread else ())]
    logger.info(
        "dashboard read",
        reason=reason,
        dashboard_id=dashboard_id,
        version=found.version.number if found.version else None,
        data_sets=len(found.security.data_sets),
        restricted=len([*found.security.restricted]),
        unreadable=[each.text for each in unreadable],
    )
    if found.security.unreadable:
        services.measure(Metric.SECURITY_UNREADABLE, 1)
    else:
        services.published.keep(dashboard_id, found)


def _read_security(services: Services, version: Version, now: float) -> DashboardSecurity:
    data_sets: list[DataSetSecurity] = []
    unreadable: list[Unreadable] = []
    for data_set_id in version.data_set_ids:
        try:
            read = services.quicksight.data_set_security(data_set_id, patience=PATIENCE_SECONDS)
            data_sets.append(read)
        except (RefusedError, JobNotFoundError) as error:
            resource, operation = f"dataset/{data_set_id}", "DescribeDataSet"
            unreadable.append(Unreadable(resource=resource, operation=operation, code=error.code))
    return DashboardSecurity(read_at=now, data_sets=tuple(data_sets), unreadable=tuple(unreadable))

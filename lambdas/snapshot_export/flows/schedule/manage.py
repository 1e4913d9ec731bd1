"""Schedules: made, shown and deleted through the API.

The Scheduler is the only store: one call makes or replaces a schedule, so nothing has to be kept
in step. Dates that have passed are not sent to it (`scheduler_request`). Declared schedules belong
to the stack: the API shows them and changes none.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.json_text import read_json
from snapshot_export.domain.schedule import Schedule, check_schedule
from snapshot_export.errors import DeclaredScheduleError, UnknownIdError
from snapshot_export.flows.schedule.plan_start import Sight, next_moment, plan_start

logger = Logger(child=True)


def put_schedule(services: Services, name: str, body: str) -> Schedule:
    """Make or replace a schedule, checked with its request.

    Raises InvalidRequestError, DeclaredScheduleError, TransientError.
    """
    now = services.utc_now()
    schedule = check_schedule(read_json(body), services.targets, name).as_of(now)
    _refuse_declared(services.schedules.get(name))
    if schedule.ready_by is not None:
        services = services.for_target(schedule.target)
        moment = next_moment(services, schedule, schedule.ready_by)
        schedule = schedule.starting(
            plan_start(services, schedule, moment, [schedule], Sight(services))
        )
    services.schedules.put(schedule, now)
    logger.info("schedule put", reason=schedule.state, schedule=name, kind=schedule.kind)
    return schedule


def get_schedule(services: Services, name: str) -> Schedule:
    """The schedule with its request. Raises UnknownIdError."""
    schedule = services.schedules.get(name)
    if schedule is None:
        raise UnknownIdError("schedule")
    return schedule


def list_schedules(
    services: Services, limit: int, token: str | None
) -> tuple[list[Schedule], str | None]:
    """A page of schedules, and the next page's token. One read for each: keep `limit` small."""
    names, following = services.schedules.names(limit, token)
    found = [services.schedules.get(name) for name in names]
    return [schedule for schedule in found if schedule is not None], following


def delete_schedule(services: Services, name: str) -> None:
    """Delete a schedule; what it submitted before goes on.

    Raises UnknownIdError, DeclaredScheduleError, TransientError.
    """
    _refuse_declared(get_schedule(services, name))
    services.schedules.delete(name)
    logger.info("schedule deleted", reason="asked for", schedule=name)


def _refuse_declared(schedule: Schedule | None) -> None:
    if schedule is not None and schedule.declared:
        raise DeclaredScheduleError(schedule.name)

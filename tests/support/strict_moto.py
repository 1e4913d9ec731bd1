"""moto's Scheduler, as strict as the embedded account's, by the clock of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.scheduler.exceptions import ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule

from local.account.schedules import problem_of

_MEMBERS = {
    "description": "Description",
    "end_date": "EndDate",
    "flexible_time_window": "FlexibleTimeWindow",
    "schedule_expression": "ScheduleExpression",
    "schedule_expression_timezone": "ScheduleExpressionTimezone",
    "start_date": "StartDate",
    "state": "State",
    "target": "Target",
}


@contextmanager
def strict_moto(now: Callable[[], float]) -> Iterator[None]:
    """Within it, moto refuses schedules that EventBridge Scheduler refuses at `now`.

    moto's own check of a StartDate looks at the machine's clock, and only at creations.
    """

    def checked(name: str) -> Callable[..., Any]:
        upstream = getattr(EventBridgeSchedulerBackend, name)

        def call(self: Any, **given: Any) -> Any:
            body = {member: given[key] for key, member in _MEMBERS.items()}
            if problem := problem_of(given["name"], body, now()):
                raise ValidationException(problem)
            return upstream(self, **given)

        return call

    backend = EventBridgeSchedulerBackend
    with (
        patch.object(backend, "create_schedule", checked("create_schedule")),
        patch.object(backend, "update_schedule", checked("update_schedule")),
        patch.object(Schedule, "_validate_start_date", lambda _, start_date: start_date),
    ):
        yield

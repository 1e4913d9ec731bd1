"""EventBridge Scheduler: schedules of one group, each a message for the intake queue.

The Scheduler keeps a schedule's request (encrypted); here it leaves in the target's input only.
A declared schedule is one that the stack made from a file: it says so in its description.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from snapshot_export.adapters.aws_errors import AWS_ERRORS, code_of
from snapshot_export.domain.occurrence import SCHEDULE_NAME
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.domain.ready_by import ReadyBy, ReadyByBody
from snapshot_export.domain.schedule import (
    Schedule,
    ScheduleTarget,
    dates_in,
    scheduler_request,
)
from snapshot_export.errors import TransientError, UnknownIdError, UnreadableRecordError

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient


PAGE = 100


class Schedules:
    """The schedules of this deployment's group."""

    def __init__(self, client: EventBridgeSchedulerClient, target: ScheduleTarget) -> None:
        self._client = client
        self._target = target

    def get(self, name: str) -> Schedule | None:
        """The schedule, or None. Raises UnreadableRecordError for one that is not of this software.

        Also TransientError, as every method.
        """
        if not re.fullmatch(SCHEDULE_NAME, name):
            return None
        try:
            return _schedule_of(self._call("get_schedule", name))
        except UnknownIdError:
            return None
        except (AttributeError, LookupError, TypeError, ValueError):
            raise UnreadableRecordError("Schedule", "Target.Input") from None

    def first_names(self, most: int) -> list[str]:
        """Names of the first `most` schedules."""
        names: list[str] = []
        token: str | None = None
        while len(names) < most:
            page, token = self.names(min(PAGE, most - len(names)), token)
            names += page
            if token is None:
                break
        return names

    def put(self, schedule: Schedule, now: datetime) -> None:
        """Make the schedule, or replace the one of its name.

        Raises TransientError; InvalidRequestError if the Scheduler itself refuses it.
        """
        request = scheduler_request(schedule, self._target, now)
        request.pop("Name")
        try:
            self._call("update_schedule", schedule.name, **request)
        except UnknownIdError:
            self._call("create_schedule", schedule.name, **request)

    def move(self, seen: Schedule, moved: Schedule, now: datetime) -> bool:
        """Change a schedule that still is as it was seen; False if it is not, or is gone.

        The Scheduler takes no conditions: a change within milliseconds of this one can be lost.
        """
        if self.get(seen.name) != seen:
            return False
        request = scheduler_request(moved, self._target, now)
        request.pop("Name")
        try:
            self._call("update_schedule", moved.name, **request)
        except UnknownIdError:
            return False
        return True

    def delete(self, name: str) -> None:
        """Delete the schedule. Raises UnknownIdError, TransientError."""
        self._call("delete_schedule", name)

    def names(self, limit: int, token: str | None) -> tuple[list[str], str | None]:
        """Names of a page of schedules, in the Scheduler's order, and the next page's token."""
        request: dict[str, Any] = {"GroupName": self._target.group, "MaxResults": limit}
        if token is not None:
            request["NextToken"] = token
        answer = _translated(self._client.list_schedules, **request)
        return [item["Name"] for item in answer["Schedules"]], answer.get("NextToken")

    def _call(self, operation: str, name: str, **request: Any) -> dict[str, Any]:
        call = getattr(self._client, operation)
        return _translated(call, **{"GroupName": self._target.group, "Name": name} | request)


def _translated(call: Callable[..., Any], **request: Any) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = call(**request)
        return answer
    except AWS_ERRORS as error:
        code = code_of(error)
        if code == "ResourceNotFoundException":
            raise UnknownIdError("schedule") from None
        if code == "ValidationException":
            problem = Problem("", "is not what EventBridge Scheduler takes")
            raise InvalidRequestError((problem,)) from None
        raise TransientError(f"Scheduler: {code}") from None


def _schedule_of(item: dict[str, Any]) -> Schedule:
    message = json.loads(item["Target"]["Input"])
    zone = item.get("ScheduleExpressionTimezone", "UTC")
    ready_by = message.get("ReadyBy")
    description = item.get("Description", "")
    dates = item | dates_in(description)
    return Schedule(
        name=item["Name"],
        expression=item["ScheduleExpression"],
        zone=zone,
        window_minutes=item["FlexibleTimeWindow"].get("MaximumWindowInMinutes", 0),
        state=item.get("State", "ENABLED"),
        start=_utc(dates.get("StartDate")),
        end=_utc(dates.get("EndDate")),
        kind="Burst" if "Burst" in message else "Export",
        request=message.get("Burst") or message.get("Export") or {},
        declared=description.startswith(Schedule.DECLARED),
        ready_by=ReadyBy.of(ReadyByBody.model_validate(ready_by), zone) if ready_by else None,
        changed_at=_utc(item.get("LastModificationDate")),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None

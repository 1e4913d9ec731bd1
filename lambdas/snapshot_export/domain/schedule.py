"""A schedule: when it occurs, and the request that each occurrence makes.

Shape: ScheduleExpression or ReadyBy, ScheduleExpressionTimezone, FlexibleTimeWindowMinutes, State,
StartDate, EndDate, and Export (a body of POST /exports) or Burst (a body of POST /bursts), without
ids.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from snapshot_export.domain.burst_request import check_burst
from snapshot_export.domain.json_text import MAX_BODY_BYTES
from snapshot_export.domain.merge import expand
from snapshot_export.domain.naming import NameFields, delivered_shapes, file_keys
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.domain.occurrence import (
    ID_MEMBERS,
    SCHEDULE_NAME,
    SCHEDULED_TIME,
    Kind,
    message_of,
    problems_under,
    with_dates,
)
from snapshot_export.domain.prefixes import UPLOADS_PREFIX
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.domain.ready_by import ReadyBy, ReadyByBody
from snapshot_export.domain.request import Request, check_request
from snapshot_export.domain.schedule_expression import (
    problem_of_expression,
    rate_start_after,
)
from snapshot_export.domain.shape import Moment, Shape, Zone, rule
from snapshot_export.domain.target import DEFAULT_TARGET, Targets
from snapshot_export.domain.templates import TemplateError

MAX_WINDOW_MINUTES = 1440
RETRY_POLICY = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}
"""The Scheduler's own default, written out."""
_SAMPLE = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
_DEADLINE_RULE = "must not be in a schedule: it would be the same for every occurrence"


def _expression(value: str) -> str:
    problem = problem_of_expression(value)
    if problem:
        raise rule(problem)
    return value


class ScheduleBody(Shape):
    """The body of PUT /schedules/{Name}, and of a file in schedules/."""

    Name: Annotated[str, Field(pattern=f"^{SCHEDULE_NAME}$")] | None = None
    ScheduleExpression: (
        Annotated[str, Field(max_length=256), AfterValidator(_expression)] | None
    ) = Field(default=None, description="cron(...), rate(...) or at(...). Either this or ReadyBy")
    ReadyBy: ReadyByBody | None = Field(default=None, description="when its work should be done")
    ScheduleExpressionTimezone: Zone = Field(
        default="UTC", description="of the IANA database, such as Europe/Berlin"
    )
    FlexibleTimeWindowMinutes: Annotated[int, Field(ge=0, le=MAX_WINDOW_MINUTES)] = Field(
        default=0, description="how much later it may occur"
    )
    State: Annotated[str, Field(pattern="^(ENABLED|DISABLED)$")] = "ENABLED"
    StartDate: Moment | None = Field(default=None, description="nothing occurs before")
    EndDate: Moment | None = Field(default=None, description="nothing occurs after")
    Export: dict[str, Any] | None = Field(
        default=None, description="an export without ids. Either this or a Burst"
    )
    Burst: dict[str, Any] | None = Field(default=None, description="a burst without ids")

    @model_validator(mode="after")
    def _one_request(self) -> Self:
        if (self.Export is None) == (self.Burst is None):
            raise rule("must have either Export or Burst")
        if (self.ScheduleExpression is None) == (self.ReadyBy is None):
            raise rule("must have either ScheduleExpression or ReadyBy")
        if self.ReadyBy is not None and self.FlexibleTimeWindowMinutes:
            raise rule("must have no FlexibleTimeWindowMinutes beside ReadyBy")
        if self.StartDate and self.EndDate and self.EndDate <= self.StartDate:
            raise rule("EndDate must be later than StartDate")
        return self


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A schedule that was checked. `request` is as the user gave it, templates included.

    With `ready_by` the expression is the present start, which moves. `changed_at` is when the
    Scheduler's entry was last written; None for one that is not in the Scheduler yet.
    """

    name: str
    expression: str
    zone: str
    window_minutes: int
    state: str
    start: datetime | None
    end: datetime | None
    kind: Kind
    request: dict[str, Any]
    declared: bool = False
    ready_by: ReadyBy | None = None
    changed_at: datetime | None = None

    DECLARED: ClassVar[str] = "Declared in schedules/"

    @property
    def target(self) -> str:
        """The target of what it submits."""
        template: dict[str, Any] = self.request.get("Template") or {}
        return str(self.request.get("Target") or template.get("Target") or DEFAULT_TARGET)

    @property
    def message(self) -> str:
        """What the Scheduler is to send at each occurrence."""
        ready_by = self.ready_by.members if self.ready_by else None
        message = message_of(self.name, self.zone, self.kind, self.request, ready_by)
        return json.dumps(message, separators=(",", ":"))

    def message_at(self, at: datetime) -> str:
        """The message as the Scheduler would send it at a time."""
        text = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return self.message.replace(json.dumps(SCHEDULED_TIME), json.dumps(text), 1)

    def has_ended(self, now: datetime) -> bool:
        """Whether nothing occurs any more."""
        return self.end is not None and self.end <= now

    def as_of(self, now: datetime) -> Schedule:
        """The same, disabled if it has ended."""
        return replace(self, state="DISABLED") if self.has_ended(now) else self

    def starting(self, start: datetime) -> Schedule:
        """The same, started at `start` for each of its ReadyBy moments."""
        if self.ready_by is None:
            return self
        return replace(self, expression=self.ready_by.expression_for(start))


@dataclass(frozen=True, kw_only=True)
class ScheduleTarget:
    """Where a deployment's schedules lie and send to."""

    group: str
    role_arn: str
    queue_arn: str
    dead_letter_arn: str


def scheduler_request(schedule: Schedule, target: ScheduleTarget, now: datetime) -> dict[str, Any]:
    """The schedule in the Scheduler's words: members of CreateSchedule and of CloudFormation.

    The target is the queue itself (SendMessage), its input the message. What cannot be delivered
    within the retries of a day is kept in the dead-letter queue.

    Dates that have passed by `now` are left out: the Scheduler refuses a StartDate earlier than 5
    minutes ago, also in an update that changes something else (its own words: "The StartDate you
    specify cannot be earlier than 5 minutes ago", getmoto/moto pull request 8172). The description
    keeps both as they were given. A rate(...) counts from its StartDate, so it is sent the next of
    its times instead; a schedule whose EndDate has passed is sent as DISABLED.
    """
    window: dict[str, Any] = {"Mode": "OFF"}
    if schedule.window_minutes:
        window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": schedule.window_minutes}
    schedule = schedule.as_of(now)
    request: dict[str, Any] = {
        "Name": schedule.name,
        "GroupName": target.group,
        "Description": describe(schedule),
        "ScheduleExpression": schedule.expression,
        "ScheduleExpressionTimezone": schedule.zone,
        "FlexibleTimeWindow": window,
        "State": schedule.state,
        "Target": {
            "Arn": target.queue_arn,
            "RoleArn": target.role_arn,
            "Input": schedule.message,
            "DeadLetterConfig": {"Arn": target.dead_letter_arn},
            "RetryPolicy": RETRY_POLICY,
        },
    }
    start = rate_start_after(schedule.expression, schedule.start, now) if schedule.start else None
    dates = {"StartDate": start, "EndDate": None if schedule.has_ended(now) else schedule.end}
    return request | {name: moment for name, moment in dates.items() if moment}


def describe(schedule: Schedule) -> str:
    """Who made a schedule, and its dates as it was given them: `...; StartDate <ISO 8601>`."""
    made = f"{Schedule.DECLARED}{schedule.name}.json" if schedule.declared else "Made by the API"
    dates = {"StartDate": schedule.start, "EndDate": schedule.end}
    return "; ".join(
        [made, *(f"{name} {moment.isoformat()}" for name, moment in dates.items() if moment)]
    )


def dates_in(description: str) -> dict[str, datetime]:
    """StartDate and EndDate of what `describe` wrote, where given."""
    found = re.findall(r"; (StartDate|EndDate) ([0-9T:.+-]+)", description)
    return {name: datetime.fromisoformat(text) for name, text in found}


def check_schedule(data: Any, targets: Targets, name: str) -> Schedule:
    """Check a schedule over the whole of its request, as of an occurrence.

    Raises InvalidRequestError with every problem found, each with its place.
    """
    if not re.fullmatch(SCHEDULE_NAME, name):
        text = "must be 1 to 30 letters, digits, hyphens and underscores"
        raise InvalidRequestError((Problem("Name", text),))
    body = ScheduleBody.checked(data)
    kind: Kind = "Burst" if body.Burst is not None else "Export"
    request = body.Burst or body.Export or {}
    problems = [] if body.Name in (None, name) else [Problem("Name", f"must be {name}, or absent")]
    problems += _request_problems(kind, request, targets)
    ready_by = ReadyBy.of(body.ReadyBy, body.ScheduleExpressionTimezone) if body.ReadyBy else None
    schedule = Schedule(
        name=name,
        expression=body.ScheduleExpression or "",
        zone=body.ScheduleExpressionTimezone,
        window_minutes=body.FlexibleTimeWindowMinutes,
        state=body.State,
        start=body.StartDate,
        end=body.EndDate,
        kind=kind,
        request=request,
        ready_by=ready_by,
    )
    if ready_by is not None:
        moment = ready_by.moment_after(body.StartDate or _SAMPLE)
        schedule = schedule.starting(ready_by.start_for(moment, None))
    if len(schedule.message.encode()) > MAX_BODY_BYTES:
        problems.append(Problem(kind, f"must fit a message of {MAX_BODY_BYTES} bytes"))
    if problems:
        raise InvalidRequestError(tuple(problems))
    return schedule


def _request_problems(kind: Kind, request: dict[str, Any], targets: Targets) -> list[Problem]:
    problems = [
        Problem(f"{kind}.{member}", "must not be given: each occurrence has an id of its own")
        for member in ID_MEMBERS[kind]
        if member in request
    ]
    if "Deadline" in request:
        problems.append(Problem(f"{kind}.Deadline", _DEADLINE_RULE))
    checks: dict[Kind, Callable[[dict[str, Any], Targets], None]] = {
        "Export": _check_export,
        "Burst": _check_burst,
    }
    try:
        dated = with_dates(kind, request, _SAMPLE)
    except InvalidRequestError as error:
        return [*problems, *error.problems]
    try:
        with problems_under(kind):
            checks[kind](dated, targets)
    except InvalidRequestError as error:
        problems += error.problems
    return problems


def _check_export(body: dict[str, Any], targets: Targets) -> None:
    request = check_request(body, targets)
    fields = NameFields(
        export_id="x" * 64,
        dashboard_id=request.dashboard_id,
        accepted_at=_SAMPLE.timestamp(),
        tags=request.tags,
    )
    try:
        snapshot, merge = expand(request.snapshot, _sheets_of(request))
        file_keys(request.name, fields, delivered_shapes(snapshot, merge, zipped=request.zip))
    except TemplateError as error:
        raise InvalidRequestError((Problem("Name", str(error)),)) from None


def _sheets_of(request: Request) -> list[tuple[str, str]]:
    """Those that are merged; where they are not named, one stands for all: a name has the first."""
    merge = request.merge
    return [(each, "") for each in merge.sheet_ids or ("x",)] if merge else []


def _check_burst(body: dict[str, Any], targets: Targets) -> None:
    request = check_burst(body, targets)
    if request.manifest_uri is None:
        return
    place = ObjectAddress.parse(request.manifest_uri)
    if place.bucket == targets.default.export_bucket and place.key.startswith(UPLOADS_PREFIX):
        text = f"must not be under {UPLOADS_PREFIX}, whose objects expire"
        raise InvalidRequestError((Problem("Manifest.S3Uri", text),))

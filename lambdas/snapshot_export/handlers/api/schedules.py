"""/schedules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, Field

from snapshot_export.domain.next_start import next_start
from snapshot_export.domain.ready_by import ReadyByBody
from snapshot_export.domain.schedule import Schedule, ScheduleBody
from snapshot_export.domain.schedule_run import MAX_OCCURRENCES, RunBody
from snapshot_export.domain.schedule_warnings import warnings_of
from snapshot_export.flows.schedule import manage as flow
from snapshot_export.flows.schedule.run import run_schedule
from snapshot_export.handlers.api.exchange import answers, make_router, raw_body, reply, services

router = make_router()
BODIES: dict[str, type[BaseModel]] = {"putSchedule": ScheduleBody, "runSchedule": RunBody}


class ScheduleSummary(BaseModel):
    """When a schedule occurs. A declared one belongs to the stack and is changed in its file.

    StartsAt is the next start, with ReadyBy as it is planned now: null while it is disabled, where
    nothing more occurs within five years, and for a rate without a StartDate, which counts from
    when the Scheduler got it. With ReadyBy there is no expression.
    """

    Name: str
    ScheduleExpression: str | None
    ReadyBy: ReadyByBody | None
    StartsAt: str | None
    ScheduleExpressionTimezone: str
    FlexibleTimeWindowMinutes: int
    State: str
    StartDate: str | None
    EndDate: str | None
    Declared: bool
    Kind: str
    Warnings: list[str] = Field(
        description="occurrences that will not be as usual: a time that summer time skips or "
        "doubles, with its next date; an EndDate that has passed"
    )


class ScheduleView(ScheduleSummary):
    """A schedule with the request that each of its occurrences makes."""

    Export: dict[str, Any] | None = None
    Burst: dict[str, Any] | None = None


class SchedulePage(BaseModel):
    """Some schedules, without their requests."""

    Schedules: list[ScheduleSummary]
    NextToken: str | None


class DeletedSchedule(BaseModel):
    """The schedule that is no more."""

    Name: str


class RunOccurrence(BaseModel):
    """An occurrence. Id: of its export or burst. New: this call had it accepted."""

    Id: str
    At: str
    New: bool
    StatusPath: str


class ScheduleRun(BaseModel):
    """What was run of a schedule, in the order of time."""

    Name: str
    Kind: str
    Occurrences: list[RunOccurrence]


@router.get(
    "/schedules",
    operation_id="listSchedules",
    summary="List schedules",
    description="Without the requests that they make.",
    responses=answers(200, SchedulePage, "A page of schedules"),
    tags=["schedules"],
)
def list_schedules(
    limit: Annotated[int, Query(alias="Limit", ge=1, le=50)] = 20,
    token: Annotated[str | None, Query(alias="NextToken", min_length=1, max_length=2048)] = None,
) -> Response[str]:
    """A page of this deployment's schedules."""
    found, following = flow.list_schedules(services(), limit, token)
    summaries = [ScheduleSummary(**_summary(schedule)) for schedule in found]
    return reply(SchedulePage(Schedules=summaries, NextToken=following))


@router.get(
    "/schedules/<name>",
    operation_id="getSchedule",
    summary="Show a schedule",
    responses=answers(200, ScheduleView, "The schedule with its request", 404),
    tags=["schedules"],
)
def get_schedule(name: str) -> Response[str]:
    """A schedule with its request."""
    return reply(_view(flow.get_schedule(services(), name)))


@router.put(
    "/schedules/<name>",
    operation_id="putSchedule",
    summary="Make or replace a schedule",
    description="The request is checked as an export's or burst's would be, and has no id: each "
    "occurrence has one, `<schedule>-<its time>`. Declared schedules answer 409.",
    responses=answers(200, ScheduleView, "The schedule as it is now", 409),
    tags=["schedules"],
)
def put_schedule(name: str) -> Response[str]:
    """Make or replace a schedule."""
    return reply(_view(flow.put_schedule(services(), name, raw_body(router))))


@router.delete(
    "/schedules/<name>",
    operation_id="deleteSchedule",
    summary="Delete a schedule",
    description="What it submitted before goes on. Declared schedules answer 409.",
    responses=answers(200, DeletedSchedule, "Deleted", 404, 409),
    tags=["schedules"],
)
def delete_schedule(name: str) -> Response[str]:
    """Delete a schedule."""
    flow.delete_schedule(services(), name)
    return reply(DeletedSchedule(Name=name))


@router.post(
    "/schedules/<name>/run",
    operation_id="runSchedule",
    summary="Run occurrences of a schedule now",
    description="One now, one that was missed (At), or each in a range (From, To), at most "
    f"{MAX_OCCURRENCES}. An occurrence runs once: it has the id that the schedule gives it, and "
    "one that was accepted before, by hand or by the Scheduler, stays as it is. Declared and "
    "disabled schedules run too. A caller that may repeat a call sends At.",
    responses=answers(202, ScheduleRun, "Accepted, newly or before", 404, 409),
    tags=["schedules"],
)
def run(name: str) -> Response[str]:
    """Run occurrences of a schedule."""
    schedule, runs = run_schedule(services(), name, raw_body(router))
    noun = "bursts" if schedule.kind == "Burst" else "exports"
    found = [
        RunOccurrence(
            Id=each.occurrence.request_id,
            At=each.occurrence.at.isoformat().replace("+00:00", "Z"),
            New=each.is_new,
            StatusPath=f"/{noun}/{each.occurrence.request_id}",
        )
        for each in runs
    ]
    return reply(ScheduleRun(Name=schedule.name, Kind=schedule.kind, Occurrences=found), 202)


def _summary(schedule: Schedule) -> dict[str, Any]:
    return {
        "Name": schedule.name,
        "ScheduleExpression": None if schedule.ready_by else schedule.expression,
        "ReadyBy": schedule.ready_by.members if schedule.ready_by else None,
        "StartsAt": _iso(next_start(schedule, _now())),
        "ScheduleExpressionTimezone": schedule.zone,
        "FlexibleTimeWindowMinutes": schedule.window_minutes,
        "State": schedule.state,
        "StartDate": _iso(schedule.start),
        "EndDate": _iso(schedule.end),
        "Declared": schedule.declared,
        "Kind": schedule.kind,
        "Warnings": list(warnings_of(schedule, _now())),
    }


def _now() -> datetime:
    return datetime.fromtimestamp(services().now(), UTC)


def _view(schedule: Schedule) -> ScheduleView:
    return ScheduleView(**_summary(schedule) | {schedule.kind: schedule.request})


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None

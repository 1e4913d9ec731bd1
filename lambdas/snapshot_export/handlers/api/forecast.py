"""/forecast: when the work will be done, and when a burst that is thought of would be."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, Field

from snapshot_export.domain.backlog import DEFAULT_PRIORITY
from snapshot_export.domain.data_wait import Otherwise
from snapshot_export.domain.formats import Format
from snapshot_export.domain.json_text import read_json
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.domain.shape import Moment, Shape
from snapshot_export.domain.snapshot_request import ResourceId
from snapshot_export.domain.target import DEFAULT_TARGET, TARGET_NAME
from snapshot_export.flows.forecast.forecast import PlannedExports, plan_exports, read_forecast
from snapshot_export.flows.forecast.situation import TargetState
from snapshot_export.handlers.api.exchange import (
    OfTarget,
    answers,
    make_router,
    raw_body,
    reply,
    services_of,
)
from snapshot_export.handlers.api.shapes import iso, iso_time

MAX_PLANNED = 100_000


def _one_pdf() -> list[Format]:
    return [Format.PDF]


class PlannedExportsBody(Shape):
    """Count exports of one dashboard; Formats has the format of each of an export's files."""

    DashboardId: ResourceId
    Formats: Annotated[
        list[Annotated[Format, Field(strict=False)]],
        Field(min_length=1, max_length=7, default_factory=_one_pdf),
    ]
    Count: Annotated[int, Field(ge=1, le=MAX_PLANNED)] = 1


class PlanBody(Shape):
    """What would be submitted, as one burst at StartAt (now unless given). Nothing is."""

    Target: Annotated[str, Field(pattern=f"^{TARGET_NAME}$")] = DEFAULT_TARGET
    Exports: Annotated[list[PlannedExportsBody], Field(min_length=1, max_length=100)]
    Priority: Annotated[int, Field(ge=1, le=9)] = DEFAULT_PRIORITY
    Deadline: Moment | None = None
    StartAt: Moment | None = None


class BurstForecast(BaseModel):
    """A burst of which Open exports run or wait. FinishP50: as likely before as after; FinishP95:
    later in one of 20 cases.
    """

    BurstId: str
    Open: int
    FinishP50: str
    FinishP95: str
    Deadline: str | None
    ChanceToMeetDeadline: float | None


class AwaitedDataShape(BaseModel):
    """So many Requests (exports, and bursts as one each) wait until the same data sets were
    refreshed. RefreshSeconds: within which they are in 19 of 20 cases, as far as learned; null
    before anything was.
    """

    DataSetIds: list[str]
    Since: str
    Until: str
    Otherwise: Otherwise
    Requests: int
    RequestsIsAtLeast: bool
    RefreshSeconds: int | None


class TargetShape(BaseModel):
    """What a forecast is made from."""

    Target: str
    At: str
    Slots: int
    Running: int
    Waiting: int
    WaitingIsAtLeast: bool


class ForecastShape(TargetShape):
    """Of all that runs and waits on a target. No finish while nothing is admitted (a limit of
    0) or nothing is there. LearnedShare of the jobs are of dashboards and formats that were seen
    before. WaitingForData is in no finish: nobody knows when its refresh will begin.
    """

    LearnedShare: float | None
    FinishP50: str | None
    FinishP95: str | None
    Bursts: list[BurstForecast]
    WaitingForData: list[AwaitedDataShape]


class PlanShape(TargetShape):
    """Of the exports asked about. LatestSafeStart is the latest start that meets the deadline with
    a chance of 95 %; null if even now is too late.
    """

    LearnedShare: float
    Count: int
    StartAt: str
    FinishP50: str | None
    FinishP95: str | None
    Deadline: str | None
    ChanceToMeetDeadline: float | None
    LatestSafeStart: str | None


router = make_router()
BODIES: dict[str, type[BaseModel]] = {"planExports": PlanBody}


@router.get(
    "/forecast",
    operation_id="getForecast",
    summary="Forecast when all that runs and waits on a target will be done",
    description="And each burst among the first 10,000 exports that wait, up to 50; more waiting "
    "exports are counted up to 100,000 and taken to be like those.",
    responses=answers(200, ForecastShape, "The forecast at this moment"),
    tags=["forecast"],
)
def get_forecast(
    target: OfTarget = DEFAULT_TARGET,
) -> Response[str]:
    """The forecast of what is there."""
    forecast = read_forecast(services_of(target))
    estimate = forecast.estimate
    bursts = [
        BurstForecast(
            BurstId=burst.burst_id,
            Open=burst.open,
            FinishP50=iso_time(burst.estimate.p50),
            FinishP95=iso_time(burst.estimate.p95),
            Deadline=iso(burst.deadline),
            ChanceToMeetDeadline=burst.estimate.chance(burst.deadline) if burst.deadline else None,
        )
        for burst in forecast.bursts
    ]
    return reply(
        ForecastShape(
            **_target(forecast.seen),
            LearnedShare=forecast.learned,
            FinishP50=iso(estimate.p50 if estimate else None),
            FinishP95=iso(estimate.p95 if estimate else None),
            Bursts=bursts,
            WaitingForData=[
                AwaitedDataShape(
                    DataSetIds=list(each.wait.data_sets),
                    Since=iso_time(each.wait.since),
                    Until=iso_time(each.wait.until),
                    Otherwise=each.wait.otherwise,
                    Requests=each.requests,
                    RequestsIsAtLeast=each.requests_is_at_least,
                    RefreshSeconds=round(each.refresh_seconds) or None,
                )
                for each in forecast.awaited
            ],
        )
    )


@router.post(
    "/forecast",
    operation_id="planExports",
    summary="Forecast when exports would be done, if they were submitted",
    description="Nothing is submitted. They are taken as one burst of this priority and deadline, "
    "behind and before what waits already, as the order of the backlog has it.",
    responses=answers(200, PlanShape, "The forecast of these exports"),
    tags=["forecast"],
)
def plan() -> Response[str]:
    """The forecast of exports that were only thought of."""
    body = PlanBody.checked(read_json(raw_body(router)))
    count = sum(planned.Count for planned in body.Exports)
    if count > MAX_PLANNED:
        problem = Problem("Exports", f"must be at most {MAX_PLANNED} together")
        raise InvalidRequestError((problem,))
    deadline = body.Deadline.timestamp() if body.Deadline else None
    planned = plan_exports(
        services_of(body.Target),
        [PlannedExports(dashboard_id=each.DashboardId, formats=tuple(each.Formats),
                        count=each.Count) for each in body.Exports],
        priority=body.Priority,
        deadline=deadline,
        start=body.StartAt.timestamp() if body.StartAt else None,
    )  # fmt: skip
    estimate = planned.estimate
    return reply(
        PlanShape(
            **_target(planned.seen),
            LearnedShare=planned.learned,
            Count=count,
            StartAt=iso_time(planned.start),
            FinishP50=iso(estimate.p50 if estimate else None),
            FinishP95=iso(estimate.p95 if estimate else None),
            Deadline=iso(deadline),
            ChanceToMeetDeadline=estimate.chance(deadline) if estimate and deadline else None,
            LatestSafeStart=iso(planned.latest_safe_start),
        )
    )


def _target(seen: TargetState) -> dict[str, Any]:
    return {
        "Target": seen.target,
        "At": iso_time(seen.situation.now),
        "Slots": seen.situation.slots,
        "Running": len(seen.situation.running),
        "Waiting": seen.waiting,
        "WaitingIsAtLeast": seen.waiting_is_at_least,
    }

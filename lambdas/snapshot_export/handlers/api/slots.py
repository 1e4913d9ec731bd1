"""/slots: who holds the slots of a target, and who waits next."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel

from snapshot_export.domain.backlog import BacklogEntry
from snapshot_export.domain.export import Attempt
from snapshot_export.domain.target import DEFAULT_TARGET
from snapshot_export.flows.slots import Occupancy, read_occupancy
from snapshot_export.handlers.api.exchange import OfTarget, answers, make_router, reply, services_of
from snapshot_export.handlers.api.shapes import iso, iso_time

router = make_router()
BODIES: dict[str, type[BaseModel]] = {}


class HeldSlot(BaseModel):
    """An export that holds a slot, or of Collecting one whose job has ended. JobStartedAt: since
    when QuickSight has its job. What is null besides the burst is not known, as of a damaged record
    (its slot counts as held).
    """

    ExportId: str
    BurstId: str | None
    DashboardId: str | None
    Attempt: int | None
    Deadline: str | None
    AdmittedAt: str | None
    JobStartedAt: str | None
    ExpectedEnd: str | None


class WaitingExport(BaseModel):
    """An export that waits. Place counts from 1; while it waits for its next attempt it has none,
    and DueAt is when that may begin.
    """

    Place: int | None
    ExportId: str
    BurstId: str | None
    DashboardId: str
    Attempt: int
    Deadline: str | None
    DueAt: str | None
    ExpectedEnd: str | None


class SlotsShape(BaseModel):
    """The slots of a target: exports may use Slots of them now. Waiting is in the order of
    admission; with MoreWait others may wait behind those that were asked for.
    """

    Target: str
    At: str
    Slots: int
    Held: list[HeldSlot]
    Collecting: list[HeldSlot]
    Waiting: list[WaitingExport]
    MoreWait: bool


@router.get(
    "/slots",
    operation_id="getSlots",
    summary="Show who holds the slots of a target, and who waits next",
    description="The first Limit exports that wait, in the order in which they will be admitted, "
    "as it is now.",
    responses=answers(200, SlotsShape, "The slots at this moment"),
    tags=["capacity"],
)
def get_slots(
    target: OfTarget = DEFAULT_TARGET,
    limit: Annotated[int, Query(alias="Limit", ge=1, le=100)] = 50,
) -> Response[str]:
    """Who holds the slots, and who waits next."""
    found = read_occupancy(services_of(target), limit)
    return reply(
        SlotsShape(
            Target=found.target,
            At=iso_time(found.at),
            Slots=found.slots,
            Held=[_held(attempt, found) for attempt in found.held],
            Collecting=[_held(attempt, found) for attempt in found.collecting],
            Waiting=[_waiting(entry, found) for entry in found.waiting],
            MoreWait=found.more_wait,
        )
    )


def _held(attempt: Attempt, found: Occupancy) -> HeldSlot:
    return HeldSlot(
        ExportId=attempt.export_id,
        BurstId=attempt.burst_id,
        DashboardId=attempt.dashboard_id or None,
        Attempt=attempt.attempt or None,
        Deadline=iso(attempt.deadline),
        AdmittedAt=iso(attempt.admitted_at or None),
        JobStartedAt=iso(attempt.started_at),
        ExpectedEnd=iso(found.expected_ends.get(attempt.export_id)),
    )


def _waiting(entry: BacklogEntry, found: Occupancy) -> WaitingExport:
    return WaitingExport(
        Place=found.places.get(entry.export_id),
        ExportId=entry.export_id,
        BurstId=entry.burst_id,
        DashboardId=entry.dashboard_id,
        Attempt=entry.attempt,
        Deadline=iso(entry.deadline),
        DueAt=iso(entry.due_at or None),
        ExpectedEnd=iso(found.expected_ends.get(entry.export_id)),
    )

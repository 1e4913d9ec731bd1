"""/capacity: the limit of running snapshot jobs, and pauses."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, Field

from snapshot_export.domain.json_text import read_json
from snapshot_export.domain.shape import Moment, Shape
from snapshot_export.domain.target import DEFAULT_TARGET
from snapshot_export.flows.capacity import change_capacity, read_capacity
from snapshot_export.handlers.api.exchange import (
    OfTarget,
    answers,
    make_router,
    raw_body,
    reply,
    services_of,
)
from snapshot_export.handlers.api.shapes import CapacityShape


class CapacityChange(Shape):
    """What shall change; a member that is left out stays as it is.

    Limit and ReservedSlots null: the deployment's own. ReservedSlots are left to people who work in
    QuickSight itself; they must be less than the limit. PausedUntil null, or in the past: nothing
    is paused.
    """

    Limit: Annotated[int, Field(ge=0, le=1000)] | None = None
    ReservedSlots: Annotated[int, Field(ge=0, le=999)] | None = None
    PausedUntil: Moment | None = None


router = make_router()
BODIES: dict[str, type[BaseModel]] = {"changeCapacity": CapacityChange}


@router.get(
    "/capacity",
    operation_id="getCapacity",
    summary="Show the capacity of a target",
    responses=answers(200, CapacityShape, "The capacity at this moment"),
    tags=["capacity"],
)
def get_capacity(target: OfTarget = DEFAULT_TARGET) -> Response[str]:
    """Show the capacity."""
    return reply(CapacityShape.model_validate(read_capacity(services_of(target))))


@router.put(
    "/capacity",
    operation_id="changeCapacity",
    summary="Change the limit or the reserve, pause or resume",
    description="A raised limit and an ended pause take effect at once. A lowered limit, 0 too, "
    "and a pause stop nothing that runs.",
    responses=answers(200, CapacityShape, "The capacity after the change"),
    tags=["capacity"],
)
def put_capacity(target: OfTarget = DEFAULT_TARGET) -> Response[str]:
    """Change the capacity."""
    services = services_of(target)
    wanted = CapacityChange.checked(read_json(raw_body(router)))
    changes: dict[str, float | None] = {}
    if "Limit" in wanted.model_fields_set:
        changes["limit"] = wanted.Limit
    if "ReservedSlots" in wanted.model_fields_set:
        changes["reserved"] = wanted.ReservedSlots
    if "PausedUntil" in wanted.model_fields_set:
        moment = wanted.PausedUntil
        changes["paused_until"] = moment.timestamp() if moment else None
    return reply(CapacityShape.model_validate(change_capacity(services, changes)))

"""/exports."""

from __future__ import annotations

import uuid

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel

from snapshot_export.domain.export import Status
from snapshot_export.domain.request import ExportRequest
from snapshot_export.flows.accept import accept_request
from snapshot_export.flows.admit import try_admit
from snapshot_export.handlers.api.exchange import answers, make_router, raw_body, reply, services

router = make_router()
BODIES: dict[str, type[BaseModel]] = {"createExport": ExportRequest}


class Accepted(BaseModel):
    """What was accepted, and where to look for it."""

    ExportId: str
    Status: Status
    StatusPath: str


@router.post(
    "/exports",
    operation_id="createExport",
    summary="Accept an export",
    description="Without an ExportId every call is a new export. A caller that may repeat a call "
    "sends one: the same id with the same body is the same export, with another body it is 409.",
    responses=answers(202, Accepted, "Accepted, newly or before", 409),
    tags=["exports"],
)
def create_export() -> Response[str]:
    """Accept an export and let it in if a slot is free."""
    now = services().now()
    body = raw_body(router)
    export_id = accept_request(services(), body, source=str(uuid.uuid4()), accepted_at=now)
    try_admit(services())
    export = services().store.export(export_id)
    status = export.status if export else Status.QUEUED
    path = f"/exports/{export_id}"
    return reply(Accepted(ExportId=export_id, Status=status, StatusPath=path), 202)

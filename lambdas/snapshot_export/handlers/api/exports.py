"""/exports: accept, show, list, cancel and release exports; send mails again, revoke links."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AfterValidator, BaseModel

from snapshot_export.adapters.table.listing import ListFilter
from snapshot_export.domain.burst_request import RECIPIENT_ID
from snapshot_export.domain.delivery import Delivery
from snapshot_export.domain.export import Export, Status
from snapshot_export.domain.paging import place_of, token_of
from snapshot_export.domain.request import EXPORT_ID, ExportRequest
from snapshot_export.domain.shape import rule
from snapshot_export.errors import UnknownIdError
from snapshot_export.flows.data.release import release_export
from snapshot_export.flows.delivery.resend import resend
from snapshot_export.flows.delivery.revoke import revoke_links
from snapshot_export.flows.export.accept import accept_request
from snapshot_export.flows.export.admit import try_admit
from snapshot_export.flows.export.cancel import cancel
from snapshot_export.flows.view import find_collecting, find_link_uses, view
from snapshot_export.handlers.api.exchange import answers, make_router, raw_body, reply, services
from snapshot_export.handlers.api.shapes import (
    DeliveryShape,
    ExportPage,
    ExportShape,
    WarningShape,
    delivery_shapes,
    export_of_view,
    row_of,
    warning_shapes,
)

router = make_router()
BODIES: dict[str, type[BaseModel]] = {"createExport": ExportRequest}


class Accepted(BaseModel):
    """What was accepted, and where to look for it."""

    ExportId: str
    Status: Status
    StatusPath: str
    Warnings: list[WarningShape]


class Resent(BaseModel):
    """An export's mails, those that are to be sent again PENDING."""

    ExportId: str
    Deliveries: list[DeliveryShape]


class LinksRevoked(BaseModel):
    """An export's mails, whose links open nothing any more."""

    ExportId: str
    Deliveries: list[DeliveryShape]


class Cancelled(BaseModel):
    """CANCELLED; or RUNNING, marked: it ends CANCELLED when QuickSight's job ends; or COMPLETED:
    mails of it that were not sent are not sent any more, and links of those that were open nothing
    any more."""

    ExportId: str
    Status: Status


def _moment(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise rule("must be an ISO 8601 time with an offset, such as 2026-11-23T07:00:00Z")
    return value


Moment = Annotated[str | None, AfterValidator(lambda value: value and _moment(value))]


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
    accepted = accept_request(services(), body, source=str(uuid.uuid4()), accepted_at=now)
    try_admit(services().for_target(accepted.target))
    export = services().store.export(accepted.export_id) or accepted
    return reply(_accepted(export), 202)


@router.get(
    "/exports/<export_id>",
    operation_id="getExport",
    summary="Show an export",
    description="Where it is, and its files: DownloadUrl works for 15 minutes.",
    responses=answers(200, ExportShape, "The export", 404),
    tags=["exports"],
)
def get_export(export_id: str) -> Response[str]:
    """Show an export."""
    return reply(export_of_view(view(services(), _checked(export_id))))


@router.get(
    "/exports",
    operation_id="listExports",
    summary="List exports, newest first",
    description="About a second behind. From and To are times of acceptance, both inclusive. "
    "RecipientId: the exports that bursts made for it, in whatever burst. "
    "A page ends early where the filters leave out most: go on while there is a NextToken.",
    responses=answers(200, ExportPage, "A page of exports"),
    tags=["exports"],
)
def list_exports(
    status: Annotated[Status | None, Query(alias="Status")] = None,
    burst: Annotated[str | None, Query(alias="BurstId", pattern=f"^{EXPORT_ID}$")] = None,
    recipient: Annotated[
        str | None, Query(alias="RecipientId", pattern=f"^{RECIPIENT_ID}$")
    ] = None,
    dashboard: Annotated[
        str | None, Query(alias="DashboardId", min_length=1, max_length=512)
    ] = None,
    since: Annotated[Moment, Query(alias="From", json_schema_extra={"format": "date-time"})] = None,
    until: Annotated[Moment, Query(alias="To", json_schema_extra={"format": "date-time"})] = None,
    limit: Annotated[int, Query(alias="Limit", ge=1, le=100)] = 50,
    token: Annotated[str | None, Query(alias="NextToken", min_length=1, max_length=2048)] = None,
) -> Response[str]:
    """List exports."""
    question = [status, burst, dashboard, since, until, recipient]
    wanted = ListFilter(
        status=status,
        burst_id=burst,
        recipient_id=recipient,
        dashboard_id=dashboard,
        accepted_from=_seconds(since),
        accepted_to=_seconds(until),
    )
    before = place_of(token, question) if token else None
    page = services().listing.page(wanted, limit=limit, before=before)
    some_run = any(row["status"] == Status.RUNNING for row in page.rows)
    collecting = find_collecting(services()) if some_run else frozenset()
    return reply(
        ExportPage(
            Exports=[row_of(row, collecting) for row in page.rows],
            NextToken=token_of(page.next_place, question),
        )
    )


@router.delete(
    "/exports/<export_id>",
    operation_id="cancelExport",
    summary="Cancel an export",
    description="What waits is CANCELLED at once. What runs is marked: its files are not delivered "
    "and it ends CANCELLED; its slot is free when QuickSight's job ends. An export that was "
    "cancelled before answers 200 again; one with another end answers 409, unless mails of it were "
    "not sent yet, which are stopped, or had links, which are revoked.",
    responses=answers(200, Cancelled, "Cancelled or marked", 404, 409),
    tags=["exports"],
)
def cancel_export(export_id: str) -> Response[str]:
    """Cancel an export."""
    status = cancel(services(), _checked(export_id))
    return reply(Cancelled(ExportId=export_id, Status=status))


@router.post(
    "/exports/<export_id>/release",
    operation_id="releaseExport",
    summary="Release an export that is held or waits for data",
    description="It is made of the data that is there, and its Data says RELEASED. One that went "
    "on already stays as it is and answers 202 again; one that has ended answers 409.",
    responses=answers(202, Accepted, "It goes on", 404, 409),
    tags=["exports"],
)
def release(export_id: str) -> Response[str]:
    """Release an export."""
    return reply(_accepted(release_export(services(), _checked(export_id))), 202)


@router.post(
    "/exports/<export_id>/resend",
    operation_id="resendMails",
    summary="Send mails of an export again",
    description="Those that failed, bounced or are held go to the same addresses, with the same "
    "files. Without one, and none under way, it answers 409.",
    responses=answers(202, Resent, "They are to be sent", 404, 409),
    tags=["exports"],
)
def resend_mails(export_id: str) -> Response[str]:
    """Send mails again."""
    deliveries = resend(services(), _checked(export_id))
    return reply(Resent(ExportId=export_id, Deliveries=_shown(deliveries)), 202)


@router.delete(
    "/exports/<export_id>/links",
    operation_id="revokeLinks",
    summary="Revoke the links in mails of an export",
    description="They answer 404 from now on, as if they had never been, and a mail that is not "
    "sent yet and would have links is not sent. The same call again changes nothing. An export of "
    "which no mail has or gets links answers 409.",
    responses=answers(200, LinksRevoked, "They open nothing any more", 404, 409),
    tags=["exports"],
)
def delete_links(export_id: str) -> Response[str]:
    """Revoke links."""
    deliveries = revoke_links(services(), _checked(export_id))
    return reply(LinksRevoked(ExportId=export_id, Deliveries=_shown(deliveries)))


def _shown(deliveries: list[Delivery]) -> list[DeliveryShape]:
    return delivery_shapes(deliveries, find_link_uses(services(), deliveries))


def _accepted(export: Export) -> Accepted:
    return Accepted(
        ExportId=export.export_id,
        Status=export.status,
        StatusPath=f"/exports/{export.export_id}",
        Warnings=warning_shapes(export.warnings),
    )


def _checked(export_id: str) -> str:
    if not re.fullmatch(EXPORT_ID, export_id):
        raise UnknownIdError("export")
    return export_id


def _seconds(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None

"""What the API answers about exports and capacity: the shapes, and how they are filled.

Times are ISO 8601 in UTC. Row-level-security tags and parameters are in none of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AliasGenerator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_snake

from snapshot_export.domain.data_wait import (
    DataDecision,
    DataWait,
    Otherwise,
    Outcome,
    Readiness,
)
from snapshot_export.domain.delivery import Delivery, DeliveryStatus
from snapshot_export.domain.export import ErrorInfo, ExportedFile, Status
from snapshot_export.domain.link import LinkUse
from snapshot_export.domain.mail_address import masked
from snapshot_export.domain.security_warning import SecurityWarning
from snapshot_export.flows.view import ExportView

LAST_SECOND = 253_402_300_799
"""Of the year 9999; as floats, fractions of it round up to the next year."""


def iso_time(moment: float) -> str:
    """Epoch seconds as ISO 8601 in UTC, to the millisecond."""
    text = datetime.fromtimestamp(min(moment, LAST_SECOND), UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def iso(moment: float | None) -> str | None:
    """Epoch seconds as ISO 8601 in UTC."""
    return None if moment is None else iso_time(moment)


class Seen(BaseModel):
    """A shape that is read off an object of the domain, each member off the attribute of its name
    (`RowsDropped` off `rows_dropped`) unless it says otherwise."""

    model_config = ConfigDict(
        from_attributes=True,
        populate_by_name=True,
        alias_generator=AliasGenerator(validation_alias=to_snake),
    )


Time = Annotated[str, BeforeValidator(iso_time)]
"""Of epoch seconds."""


class Reason(Seen):
    """Why something failed: a code for programs, and a text for people."""

    Code: str
    Message: str


class FailureReasonShape(Seen):
    """Why Count exports of a burst failed; Message is that of the first of them."""

    Code: str
    Count: int
    Message: str


class WarningShape(Seen):
    """What to know of a request that is done all the same, such as a data set that shows all of
    its rows to everyone. Resource: `dataset/<id>`, `dashboard/<id>`, or `burst/<id>` of its zip.
    """

    Code: str
    Resource: str
    Message: str


class JudgedDataSetShape(Seen):
    """A data set as it was judged: RefreshedAt is when the refresh began whose data is shown, and
    RowsDropped by it."""

    DataSetId: str
    State: Readiness = Field(validation_alias="readiness")
    Reason: str
    RefreshedAt: Time | None
    RowsDropped: int | None


class DataShape(BaseModel):
    """The data that a request with After waits or waited for, Since and Until when. DecidedAt and
    Outcome are there once something was decided; SENT_ANYWAY, HELD and RELEASED: the data was not,
    or may not have been, as new as asked for."""

    Since: str
    Until: str
    DataSetIds: list[str]
    Otherwise: Otherwise
    DecidedAt: str | None
    Outcome: Outcome | None
    DataSets: list[JudgedDataSetShape]


class RequestedFile(BaseModel):
    """One file. DownloadUrl is there for files in the stack's own bucket."""

    FormatType: str
    S3Uri: str | None
    Size: int | None
    ETag: str | None
    DownloadUrl: str | None
    DownloadUrlExpiresAt: str | None
    Error: Reason | None


class DeliveredFile(BaseModel):
    """A file as it was mailed, or is to be."""

    S3Uri: str
    ETag: str | None


class LinkUseShape(Seen):
    """How the links of a mail were used, all together. Opened counts how often, whoever did: also
    software that follows links in mails. EndsAt: until then they open their files. RevokedAt: since
    then none does."""

    Opened: int
    FirstOpenedAt: Time | None
    LastOpenedAt: Time | None
    EndsAt: Time
    RevokedAt: Time | None


class DeliveryShape(BaseModel):
    """A mail of an export ([docs/delivery.md](delivery.md)). To is masked. Attempt counts how often
    SES was asked to send it. Attached: it carried the Files; null before it was sent. Links: of one
    that linked to them. Revision: of the burst in which its export ran."""

    DeliveryId: str
    To: str
    Status: DeliveryStatus
    Attempt: int
    Revision: int
    CreatedAt: str
    SentAt: str | None
    ChangedAt: str | None
    MessageId: str | None
    Attached: bool | None
    Links: LinkUseShape | None
    Files: list[DeliveredFile]
    Error: Reason | None


class ExportRow(BaseModel):
    """An export as lists show it. Collecting: it is RUNNING and holds no slot, since its job has
    ended and its files are being collected. Empty: it had no rows, as its IfEmpty asked for.
    """

    ExportId: str
    Status: Status
    DashboardId: str
    Name: str | None
    Priority: int
    Deadline: str | None
    Attempt: int
    AcceptedAt: str
    AdmittedAt: str | None
    FinishedAt: str | None
    BurstId: str | None
    Collecting: bool
    Empty: bool
    Error: Reason | None


class ExportShape(ExportRow):
    """An export. Place counts from 1 and is there while it waits for its first attempt or slot;
    with PlaceIsAtLeast more are ahead than were counted. CancelRequested: it still runs, and its
    files will not be delivered. RecipientId: for whom its burst made it. An Empty one with SKIP
    has no Files. Data: of one with After. Deliveries: the mails of one with Delivery, once it has
    ended. Protected: its files open with a password.
    """

    Target: str
    RecipientId: str | None
    Tags: dict[str, str]
    ExpectedEnd: str | None
    Place: int | None
    PlaceIsAtLeast: bool
    CancelRequested: bool
    Protected: bool
    Data: DataShape | None
    Warnings: list[WarningShape]
    Files: list[RequestedFile]
    Deliveries: list[DeliveryShape]


class ExportPage(BaseModel):
    """Exports, newest first. With a NextToken there may be more, also behind an empty page."""

    Exports: list[ExportRow]
    NextToken: str | None


class CapacityShape(Seen):
    """The gate of a target, one of Targets. Exports use up to Limit less ReservedSlots slots. With
    WaitingIsAtLeast more wait than were counted. Ceiling: as many ran when QuickSight last refused
    a start, because others in the account use slots or Limit is above the account's own; null once
    it holds nothing back.
    """

    Target: str
    Targets: list[str]
    Limit: int
    ReservedSlots: int = Field(validation_alias="reserved")
    Running: int
    Waiting: int
    WaitingIsAtLeast: bool
    CompletedLastHour: int
    PausedUntil: Time | None
    Ceiling: int | None


def row_of(item: dict[str, Any], collecting: Collection[str]) -> ExportRow:
    """A row of a list, from the index's attributes; `collecting` are the ids of those that are."""
    return ExportRow(
        ExportId=item["export_id"],
        Status=Status(item["status"]),
        DashboardId=item["dashboard_id"],
        Name=item.get("name"),
        Priority=item["priority"],
        Deadline=iso(item.get("deadline")),
        Attempt=item["attempt"],
        AcceptedAt=iso_time(item["accepted_at"]),
        AdmittedAt=iso(item.get("admitted_at")),
        FinishedAt=iso(item.get("finished_at")),
        BurstId=item.get("burst_id"),
        Collecting=item["status"] == Status.RUNNING and item["export_id"] in collecting,
        Empty=bool(item.get("is_empty")),
        Error=_reason(ErrorInfo(**item["error"]) if item.get("error") else None),
    )


def export_of_view(view: ExportView) -> ExportShape:
    """An export with its place, files and reasons."""
    export = view.export
    downloads = view.downloads or (None,) * len(export.files)
    return ExportShape(
        ExportId=export.export_id,
        Status=export.status,
        DashboardId=export.dashboard_id,
        Name=export.name,
        Priority=export.priority,
        Deadline=iso(export.deadline),
        Attempt=export.attempt,
        AcceptedAt=iso_time(export.accepted_at),
        AdmittedAt=iso(export.admitted_at),
        FinishedAt=iso(export.finished_at),
        BurstId=export.burst_id,
        Error=_reason(export.error),
        Target=export.target,
        RecipientId=export.recipient_id,
        Tags=export.tags,
        ExpectedEnd=iso(view.expected_end),
        Place=view.place,
        PlaceIsAtLeast=view.place_is_at_least,
        Collecting=view.is_collecting,
        CancelRequested=export.cancel_requested_at is not None,
        Empty=export.is_empty,
        Protected=export.password_secret is not None,
        Data=data_shape(export.wait, export.data),
        Warnings=warning_shapes(export.warnings),
        Files=[
            _file(file, url, view.downloads_expire_at)
            for file, url in zip(export.files, downloads, strict=True)
        ],
        Deliveries=delivery_shapes(view.deliveries, view.link_uses),
    )


def delivery_shapes(
    deliveries: Iterable[Delivery], link_uses: Mapping[str, LinkUse]
) -> list[DeliveryShape]:
    """Mails as answers have them; `link_uses` by their ids."""
    return [
        DeliveryShape(
            DeliveryId=each.delivery_id,
            To=masked(each.address),
            Status=each.status,
            Attempt=each.attempt,
            Revision=each.revision,
            CreatedAt=iso_time(each.created_at),
            SentAt=iso(each.sent_at),
            ChangedAt=iso(each.changed_at),
            MessageId=each.message_id,
            Attached=each.is_attached,
            Links=_link_use(link_uses.get(each.delivery_id)),
            Files=[DeliveredFile(S3Uri=file.uri or "", ETag=file.etag) for file in each.files],
            Error=_reason(each.error),
        )
        for each in deliveries
    ]


def _link_use(use: LinkUse | None) -> LinkUseShape | None:
    return LinkUseShape.model_validate(use) if use else None


def data_shape(wait: DataWait | None, data: DataDecision | None) -> DataShape | None:
    """What a request waits or waited for, and what was decided; None of one without After."""
    if wait is None:
        return None
    return DataShape(
        Since=iso_time(wait.since),
        Until=iso_time(wait.until),
        DataSetIds=list(wait.data_sets),
        Otherwise=wait.otherwise,
        DecidedAt=iso(data.decided_at) if data else None,
        Outcome=data.outcome if data else None,
        DataSets=[
            JudgedDataSetShape.model_validate(each) for each in (data.data_sets if data else ())
        ],
    )


def warning_shapes(warnings: Iterable[SecurityWarning]) -> list[WarningShape]:
    """Warnings as answers have them."""
    return [WarningShape.model_validate(each) for each in warnings]


def _file(file: ExportedFile, url: str | None, expires_at: float | None) -> RequestedFile:
    return RequestedFile(
        FormatType=file.format,
        S3Uri=file.uri,
        Size=file.size,
        ETag=file.etag,
        DownloadUrl=url,
        DownloadUrlExpiresAt=iso(expires_at) if url else None,
        Error=_reason(file.error),
    )


def _reason(error: ErrorInfo | None) -> Reason | None:
    return Reason.model_validate(error) if error else None

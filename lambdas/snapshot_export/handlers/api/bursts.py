"""/bursts: accept, list, show, cancel, release and retry bursts."""

from __future__ import annotations

import re
import uuid
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel

from snapshot_export.domain.burst import BURST_ID, Burst, BurstStatus, Refusal
from snapshot_export.domain.burst_request import BurstBody, parse_burst
from snapshot_export.domain.paging import place_of, token_of
from snapshot_export.domain.retry_request import RetryBody, parse_retry
from snapshot_export.domain.target import DEFAULT_TARGET
from snapshot_export.errors import UnknownIdError
from snapshot_export.flows.burst.accept import accept_burst
from snapshot_export.flows.burst.cancel import cancel_burst
from snapshot_export.flows.burst.release import release_burst
from snapshot_export.flows.burst.retry import retry_burst
from snapshot_export.flows.view import DOWNLOAD_SECONDS, view_burst_end
from snapshot_export.handlers.api.error_shape import ApiProblem
from snapshot_export.handlers.api.exchange import (
    OfTarget,
    answers,
    make_router,
    raw_body,
    reply,
    services,
    services_of,
)
from snapshot_export.handlers.api.shapes import (
    DataShape,
    FailureReasonShape,
    Reason,
    WarningShape,
    data_shape,
    iso,
    iso_time,
    warning_shapes,
)

router = make_router()
BODIES: dict[str, type[BaseModel]] = {"createBurst": BurstBody, "retryBurst": RetryBody}


class BurstAccepted(BaseModel):
    """What was accepted, and where to look for it."""

    BurstId: str
    Revision: int
    Status: BurstStatus
    StatusPath: str
    Warnings: list[WarningShape]


class BurstCounts(BaseModel):
    """How many recipients: read so far, accepted, refused; and how the accepted ones ended."""

    Total: int
    Accepted: int
    Refused: int
    Completed: int
    Failed: int
    Cancelled: int


class RefusedLine(BaseModel):
    """A recipient that was refused, by its line; inline recipients count from 1."""

    Line: int
    Problems: list[ApiProblem]


class HoldShape(BaseModel):
    """Why a burst was held, at HeldAt, and when it ends FAILED without a release: at HeldUntil."""

    Code: str
    Message: str
    HeldAt: str
    HeldUntil: str
    ReleasedAt: str | None


class QueryShape(BaseModel):
    """The query for a burst's recipients. Found: how many it found; Expected: how many had been
    expected, if any were."""

    QueryExecutionId: str | None
    Found: int | None
    Expected: int | None


class BurstShape(BaseModel):
    """A burst. CancelRequested: what waits is being cancelled. ManifestS3Uri, and ReportS3Uri for
    people, are there at its end, with addresses that download them for 15 minutes. SameRowsForAll:
    every recipient sees the same rows. ExpectedEnd is there once all recipients were read. Error
    says why the rest of them could not be. At the end, Reasons are why exports failed, the most
    frequent first. Status: COMPLETED_WITH_FAILURES where exports failed or recipients were refused
    and others completed, FAILED where none completed or the recipients could not be read.
    Empty: how many completed without rows, at the end.
    Revision: 1, and one more with each retry; Counts, Reasons and times are those of the last.
    Data: of one with After. ZipS3Uri: the files as one, at the end of a burst with Zip.
    """

    BurstId: str
    Revision: int
    Target: str
    Status: BurstStatus
    Counts: BurstCounts
    Empty: int
    Reasons: list[FailureReasonShape]
    SameRowsForAll: bool
    Weight: int
    Refusals: list[RefusedLine]
    RefusalsNextToken: str | None
    ManifestS3Uri: str | None
    ManifestDownloadUrl: str | None
    ReportS3Uri: str | None
    ReportDownloadUrl: str | None
    ZipS3Uri: str | None
    ZipDownloadUrl: str | None
    CancelRequested: bool
    Data: DataShape | None
    Warnings: list[WarningShape]
    Query: QueryShape | None
    Hold: HoldShape | None
    ExpectedEnd: str | None
    AcceptedAt: str
    ExpandedAt: str | None
    FinishedAt: str | None
    Error: Reason | None


class OpenBurst(BaseModel):
    """A burst that has not ended, as lists show it. Hold: why it is or was held for its
    recipients; Data: what it waits for, or is held for."""

    BurstId: str
    Revision: int
    Target: str
    Status: BurstStatus
    Counts: BurstCounts
    AcceptedAt: str
    Data: DataShape | None
    Hold: HoldShape | None


class OpenBursts(BaseModel):
    """Bursts that have not ended. With More there are others."""

    Bursts: list[OpenBurst]
    More: bool


@router.get(
    "/bursts",
    operation_id="listBursts",
    summary="List the bursts that have not ended",
    description="Of a target, by their ids, up to Limit: also those that wait for data or are "
    "held, and so have no exports yet.",
    responses=answers(200, OpenBursts, "Bursts that wait, are held or run"),
    tags=["bursts"],
)
def list_bursts(
    target: OfTarget = DEFAULT_TARGET,
    limit: Annotated[int, Query(alias="Limit", ge=1, le=100)] = 50,
) -> Response[str]:
    """List open bursts."""
    bursts = services_of(target).bursts
    ids = bursts.unfinished_ids()
    found = (bursts.find(burst_id) for burst_id in ids[:limit])
    rows = [_open(burst) for burst in found if burst is not None and not burst.status.is_end]
    return reply(OpenBursts(Bursts=rows, More=len(ids) > limit))


@router.post(
    "/bursts",
    operation_id="createBurst",
    summary="Accept a burst",
    description="One export for each recipient, inline or in a manifest in S3. The template is "
    "checked now; each recipient on its own line, after this answer: a wrong one is refused alone. "
    "The same BurstId with the same body is the same burst, with another body it is 409.",
    responses=answers(202, BurstAccepted, "Accepted, newly or before", 409),
    tags=["bursts"],
)
def create_burst() -> Response[str]:
    """Accept a burst and have its recipients read."""
    now = services().now()
    request = parse_burst(raw_body(router), services().targets)
    burst_id = accept_burst(services(), request, source=str(uuid.uuid4()), accepted_at=now)
    return _accepted(services().bursts.find(burst_id), burst_id)


@router.get(
    "/bursts/<burst_id>",
    operation_id="getBurst",
    summary="Show a burst",
    description="Its counts by status, and the recipients that were refused, by line.",
    responses=answers(200, BurstShape, "The burst", 404),
    tags=["bursts"],
)
def get_burst(
    burst_id: str,
    limit: Annotated[int, Query(alias="RefusalsLimit", ge=1, le=1000)] = 100,
    token: Annotated[
        str | None, Query(alias="RefusalsNextToken", min_length=1, max_length=2048)
    ] = None,
) -> Response[str]:
    """Show a burst."""
    burst = services().bursts.find(_checked(burst_id))
    if burst is None:
        raise UnknownIdError("burst")
    place = place_of(token, [burst_id]) if token else None
    after = int(place) if place and place.isdigit() else None
    found = services().bursts.refusals(burst_id, limit=limit + 1, after_line=after)
    more = str(found[limit - 1].line) if len(found) > limit else None
    next_token = token_of(more, [burst_id])
    return reply(_shape(burst, found[:limit], next_token))


@router.delete(
    "/bursts/<burst_id>",
    operation_id="cancelBurst",
    summary="Cancel a burst",
    description="No further recipient is read, what waits is cancelled soon after this answer, and "
    "the files of what runs are not delivered. A burst that has ended answers 409.",
    responses=answers(202, BurstAccepted, "It is being cancelled", 404, 409),
    tags=["bursts"],
)
def delete_burst(burst_id: str) -> Response[str]:
    """Cancel a burst."""
    return _accepted(cancel_burst(services(), _checked(burst_id)), burst_id)


@router.post(
    "/bursts/<burst_id>/release",
    operation_id="releaseBurst",
    summary="Let a held burst go on",
    description="Its recipients are read as they were frozen. The same call again changes nothing; "
    "a burst that is not held answers 409. To stop it instead, cancel it.",
    responses=answers(202, BurstAccepted, "It goes on, newly or since before", 404, 409),
    tags=["bursts"],
)
def release(burst_id: str) -> Response[str]:
    """Let a held burst go on."""
    return _accepted(release_burst(services(), _checked(burst_id)), burst_id)


@router.post(
    "/bursts/<burst_id>/retry",
    operation_id="retryBurst",
    summary="Run the failed exports of a burst again",
    description="Under the same burst, ids, places and names; manifest, report and event follow "
    "with the next Revision. Recipients that have their files are left alone, unless RecipientIds "
    "names them with IncludeCompleted. A caller that may repeat a call sends Revision: the same "
    "call again changes nothing. A burst that has not ended, of which nothing failed, or whose "
    "records are about to expire answers 409.",
    responses=answers(202, BurstAccepted, "It runs again, newly or before", 404, 409),
    tags=["bursts"],
)
def retry(burst_id: str) -> Response[str]:
    """Run exports of a burst again."""
    request = parse_retry(raw_body(router))
    return _accepted(retry_burst(services(), _checked(burst_id), request), burst_id)


def _accepted(burst: Burst | None, burst_id: str) -> Response[str]:
    status = burst.status if burst else BurstStatus.EXPANDING
    body = BurstAccepted(
        BurstId=burst_id,
        Revision=burst.revision if burst else 1,
        Status=status,
        StatusPath=f"/bursts/{burst_id}",
        Warnings=warning_shapes(burst.warnings if burst else ()),
    )
    return reply(body, 202)


def _shape(burst: Burst, refusals: list[Refusal], token: str | None) -> BurstShape:
    manifests = services().manifests
    is_end = burst.status.is_end
    manifest = manifests.address(burst.burst_id) if is_end else None
    report = manifests.report_address(burst.burst_id) if is_end else None
    zipped = manifests.zip_address(burst.burst_id) if is_end and burst.zipped_files else None
    return BurstShape(
        BurstId=burst.burst_id,
        Revision=burst.revision,
        Target=burst.target,
        Status=burst.status,
        Counts=BurstCounts(**burst.counts),
        Empty=burst.empty,
        Reasons=[FailureReasonShape.model_validate(each) for each in burst.reasons],
        SameRowsForAll=burst.same_rows_for_all,
        Weight=burst.weight,
        Refusals=[_line(refusal) for refusal in refusals],
        RefusalsNextToken=token,
        ManifestS3Uri=manifest,
        ManifestDownloadUrl=_download_url(manifest),
        ReportS3Uri=report,
        ReportDownloadUrl=_download_url(report),
        ZipS3Uri=zipped,
        ZipDownloadUrl=_download_url(zipped),
        CancelRequested=burst.draining_at is not None,
        Data=data_shape(burst.wait, burst.data),
        Warnings=warning_shapes(burst.warnings),
        Query=_query(burst),
        Hold=_hold(burst),
        ExpectedEnd=iso(view_burst_end(services(), burst)),
        AcceptedAt=iso_time(burst.accepted_at),
        ExpandedAt=iso(burst.expanded_at),
        FinishedAt=iso(burst.finished_at),
        Error=Reason.model_validate(burst.error) if burst.error else None,
    )


def _open(burst: Burst) -> OpenBurst:
    return OpenBurst(
        BurstId=burst.burst_id,
        Revision=burst.revision,
        Target=burst.target,
        Status=burst.status,
        Counts=BurstCounts(**burst.counts),
        AcceptedAt=iso_time(burst.accepted_at),
        Data=data_shape(burst.wait, burst.data),
        Hold=_hold(burst),
    )


def _query(burst: Burst) -> QueryShape | None:
    if burst.query_id is None and burst.status is not BurstStatus.QUERYING:
        return None
    return QueryShape(QueryExecutionId=burst.query_id, Found=burst.found, Expected=burst.expected)


def _hold(burst: Burst) -> HoldShape | None:
    hold = burst.hold
    if hold is None:
        return None
    return HoldShape(
        Code=hold.code,
        Message=hold.message,
        HeldAt=iso_time(hold.at),
        HeldUntil=iso_time(hold.until),
        ReleasedAt=iso(burst.released_at),
    )


def _download_url(address: str | None) -> str | None:
    return services().files.download_url(address, DOWNLOAD_SECONDS) if address else None


def _line(refusal: Refusal) -> RefusedLine:
    problems = [
        ApiProblem(Field=each.field, Place=each.place, Rule=each.rule) for each in refusal.problems
    ]
    return RefusedLine(Line=refusal.line, Problems=problems)


def _checked(burst_id: str) -> str:
    if not re.fullmatch(BURST_ID, burst_id):
        raise UnknownIdError("burst")
    return burst_id

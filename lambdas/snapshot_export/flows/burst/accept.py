"""Accept a burst: its template and where its recipients are; they are read by the expansion, after
the query for them if there is one.

Order of writes: inline recipients go to S3 first, under a key of this delivery's own; then one
transaction writes the burst with its marker; then the expansion is asked for. A later delivery
finds the burst and asks again, which does no harm; where the asking got lost, the reconciler finds
the marker. A delivery that dies before the transaction, or loses it to another at the same time,
leaves an object that nothing names: it expires with the others of its prefix. A burst that waits
for data joins those that wait for the same in that transaction, and nothing is asked for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst import QUERIED_VERSION, Burst, BurstStatus, Work
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.errors import IdConflictError, ManifestError
from snapshot_export.flows.burst_queue import ask_for
from snapshot_export.flows.dashboard.guard import freeze_sheets, guard_template
from snapshot_export.flows.data.wait import wait_for_data
from snapshot_export.settings import DAY_SECONDS

if TYPE_CHECKING:
    from snapshot_export.domain.burst_request import BurstRequest
    from snapshot_export.domain.occurrence import Occurrence

logger = Logger(child=True)


def accept_burst(
    services: Services,
    request: BurstRequest,
    *,
    source: str,
    accepted_at: float,
    occurrence: Occurrence | None = None,
) -> str:
    """Accept a burst, newly or as before; answers its id, `source` if the request gives none.

    `occurrence` is that of the schedule which it is made for.

    Raises InvalidRequestError for a manifest that is not there or tags that the guard refuses,
    IdConflictError, TransientError, QuickSightError.
    """
    services = services.for_target(request.target)
    burst_id = request.burst_id or source
    known = services.bursts.find(burst_id)
    if known is None:
        burst = _new_burst(services, request, burst_id, source, accepted_at)
        if request.after is not None:
            dashboard_id = request.template["DashboardId"]
            wait = wait_for_data(services, request.after, dashboard_id, accepted_at)
            waiting = BurstStatus.WAITING_FOR_DATA
            burst = replace(burst, status=waiting, version=QUERIED_VERSION, wait=wait)
        if occurrence is not None:
            occurred_at = occurrence.at.timestamp()
            burst = replace(burst, schedule=occurrence.schedule, occurred_at=occurred_at)
        template = freeze_sheets(services, request.template)
        is_new = services.bursts.accept(burst, template, request.query)
    elif known.digest != request.digest:
        raise IdConflictError(burst_id, known.accepted_at, "BurstId", "burst")
    else:
        is_new = False
    first = Work.EXPAND if request.query is None else Work.QUERY
    waits = request.after is not None and (is_new or known is None)
    if not waits and (is_new or known is None or known.work_left is first):
        ask_for(services, burst_id, first)
    reason = "new" if is_new else "delivered again"
    logger.info("burst accepted", reason=reason, burst_id=burst_id)
    return burst_id


def _new_burst(
    services: Services, request: BurstRequest, burst_id: str, source: str, accepted_at: float
) -> Burst:
    nonce = services.draw_nonce()
    if request.query is not None:
        queried = _burst_of(services, request, burst_id, source, accepted_at, nonce)
        return replace(
            queried,
            status=BurstStatus.QUERYING,
            version=QUERIED_VERSION,
            expected=request.expected_count,
            max_change_share=request.max_change_share,
        )
    uri = request.manifest_uri or services.manifests.keep_recipients(
        burst_id, nonce, request.recipients or []
    )
    try:
        found = services.manifests.find(uri)
    except ManifestError as error:
        text = f"must be an object that can be read: {error.message}"
        raise InvalidRequestError((Problem("Manifest.S3Uri", text),)) from None
    return replace(
        _burst_of(services, request, burst_id, source, accepted_at, nonce),
        manifest_uri=uri,
        manifest_etag=found.etag,
        manifest_size=found.size,
    )


def _burst_of(
    services: Services,
    request: BurstRequest,
    burst_id: str,
    source: str,
    accepted_at: float,
    nonce: str,
) -> Burst:
    """The burst without its manifest."""
    return Burst(
        burst_id=burst_id,
        status=BurstStatus.EXPANDING,
        digest=request.digest,
        nonce=nonce,
        manifest_uri="",
        manifest_format=request.manifest_format,
        manifest_etag="",
        manifest_size=0,
        accepted_at=accepted_at,
        touched_at=services.now(),
        source=source,
        warnings=guard_template(services, request),
        target=request.target,
        kept_until=accepted_at + DAY_SECONDS,
        same_rows_for_all=request.same_rows_for_all,
        weight=request.weight,
        zip=request.zip,
    )

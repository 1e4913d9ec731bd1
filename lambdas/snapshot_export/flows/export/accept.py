"""Accept: a request becomes an export that waits.

Order of writes: the place in the order of single exports is taken first, by a write of its own;
then one transaction writes export and backlog entry. With After there is no place yet: the
transaction writes the export, and that it waits with those that wait for the same data. A second
delivery of the message finds the export and changes nothing but where the next single export comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain import naming
from snapshot_export.domain.after import After
from snapshot_export.domain.contents import choose_sheets
from snapshot_export.domain.emptiness import with_rule
from snapshot_export.domain.export import Export, Status
from snapshot_export.domain.json_text import digest_of
from snapshot_export.domain.merge import expand
from snapshot_export.domain.problem import InvalidRequestError
from snapshot_export.domain.request import Request, parse_request
from snapshot_export.flows.dashboard.guard import guard_export
from snapshot_export.flows.dashboard.published import read_published
from snapshot_export.flows.data.wait import wait_for_data
from snapshot_export.flows.export.file_names import check_names
from snapshot_export.flows.export.rank import ranked
from snapshot_export.metric import Metric

Sheets = Sequence[tuple[str, str]]

logger = Logger(child=True)


def accept_request(services: Services, body: str, *, source: str, accepted_at: float) -> Export:
    """Accept one request, newly or as before; answers it as an export that waits.

    Its id is `source` if it gives none. Raises InvalidRequestError, IdConflictError,
    TransientError.
    """
    request = parse_request(body, services.targets)
    services = services.for_target(request.target)
    sheets = _sheets_of(services, request, source)
    export = export_of(services, request, source, accepted_at, sheets)
    check_names(export)
    export = _guarded(services, export, request.after)
    if export.wait is None:
        export = ranked(services, export, accepted_at)
    is_new = services.store.accept(export)
    services.measure(Metric.EXPORTS_ACCEPTED, int(is_new))
    logger.info(
        "accepted", reason="new" if is_new else "delivered again", export_id=export.export_id
    )
    return export


def _guarded(services: Services, export: Export, after: After | None) -> Export:
    """One that was accepted before stays accepted, whatever was published since."""
    try:
        export = guard_export(services, export)
        if after is None:
            return export
        wait = wait_for_data(services, after, export.dashboard_id, export.accepted_at)
        return replace(export, status=Status.WAITING_FOR_DATA, wait=wait)
    except InvalidRequestError:
        known = services.store.export(export.export_id)
        if known is None or known.digest != export.digest:
            raise
        return export


def _sheets_of(services: Services, request: Request, source: str) -> Sheets:
    """The sheets that are merged; of one that was accepted before any do: it stays as it was."""
    if request.merge is None:
        return ()
    published = read_published(services, request.dashboard_id)
    try:
        return choose_sheets(
            published, request.merge, len(request.formats) + (request.probe is not None)
        )
    except InvalidRequestError:
        export_id = request.export_id or source
        known = services.store.export(export_id)
        if known is None or known.digest != _digest_of(services, request, export_id):
            raise
        return (("x", ""),)


def _digest_of(services: Services, request: Request, export_id: str) -> str:
    plain = _with_destination(services, request.snapshot, naming.raw_prefix(export_id))
    return digest_of([request.digest, plain])


def export_of(
    services: Services, request: Request, source: str, accepted_at: float, sheets: Sheets = ()
) -> Export:
    """The export of a checked request, without a rank; `source` is its id if it gives none.
    `sheets` are those that are merged, by id and title.

    `services` are as of its target. The digest is of what the request asks for, so it is the same
    for a repeated delivery, whatever folder was drawn.
    """
    export_id = request.export_id or source
    nonce = services.draw_nonce()
    folder = naming.raw_prefix(export_id, nonce)
    snapshot, if_empty = with_rule(
        _with_destination(services, request.snapshot, folder), request.if_empty, request.probe
    )
    snapshot, merge = expand(snapshot, sheets, services.settings.sheets_per_job)
    deadline = request.deadline.timestamp() if request.deadline else None
    return Export(
        export_id=export_id,
        status=Status.QUEUED,
        digest=_digest_of(services, request, export_id),
        nonce=nonce,
        dashboard_id=request.dashboard_id,
        snapshot=snapshot,
        rank="",
        accepted_at=accepted_at,
        source=source,
        target=request.target,
        name=request.name,
        tags=request.tags,
        allows=None if "RegisteredUser" in snapshot else request.allows,
        priority=request.priority,
        deadline=deadline,
        merge=merge,
        if_empty=if_empty,
        mail=request.mail,
        zip=request.zip,
        password_secret=request.password_secret,
    )


def _with_destination(services: Services, snapshot: dict[str, Any], folder: str) -> dict[str, Any]:
    """Without a DestinationConfiguration the files go to a folder of the target's own bucket.

    An empty one is kept: QuickSight then answers with https addresses, which collect copies out.
    """
    configuration = snapshot["SnapshotConfiguration"]
    if "DestinationConfiguration" in configuration:
        return snapshot
    bucket = {
        "BucketName": services.settings.export_bucket,
        "BucketPrefix": folder,
        "BucketRegion": services.settings.quicksight_region,
    }
    destination = {"S3Destinations": [{"BucketConfiguration": bucket}]}
    return snapshot | {
        "SnapshotConfiguration": configuration | {"DestinationConfiguration": destination}
    }

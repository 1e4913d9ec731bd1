"""Accept: a request becomes an export that waits, or is refused with its reason.

Order of writes: accepting is one transaction (export and backlog entry), so a second delivery of
the message finds the export and changes nothing. Refusing sends the message to the rejected queue
first and writes the REJECTED record after it: dying between the two repeats the first, and nothing
is refused without being kept. That a schedule's message came in is noted before it is accepted:
what keeps it from being accepted has alarms of its own, and the message is delivered again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain import naming
from snapshot_export.domain.backlog import rank_of
from snapshot_export.domain.burst_request import check_burst
from snapshot_export.domain.export import ErrorInfo, Export, Status
from snapshot_export.domain.first_delivery import FirstDelivery
from snapshot_export.domain.json_text import digest_of, read_json
from snapshot_export.domain.occurrence import (
    claimed_occurrence_id,
    problems_under,
    read_occurrence,
)
from snapshot_export.domain.parts import formats_of_part
from snapshot_export.domain.problem import InvalidRequestError, Problem
from snapshot_export.domain.request import Request, claimed_export_id, parse_request
from snapshot_export.errors import IdConflictError
from snapshot_export.flows.burst.accept import accept_burst
from snapshot_export.flows.export.file_names import check_names
from snapshot_export.flows.guard import guard_export
from snapshot_export.metric import Metric

MAX_PROBLEMS = 20
MAX_PLACE_CHARACTERS = 200
MAX_AHEAD_SECONDS = 86_400.0
"""An occurrence is noted at most so far ahead: a ReadyBy moment lies within half a day."""

logger = Logger(child=True)


@dataclass(frozen=True)
class Outcome:
    """What became of a message: QUEUED (newly or before), or REJECTED.

    `target` is that of the export that may wait now; None for a burst, whose expansion admits.
    """

    status: Status
    target: str | None = None


def accept_message(services: Services, *, message_id: str, body: str, sent_at: float) -> Outcome:
    """Accept one queue message. `message_id` and `sent_at` (epoch seconds) are those of its first
    delivery (domain/first_delivery.py).

    Raises TransientError when the message should be delivered again.
    """
    try:
        export = _accept_body(services, body, message_id, sent_at)
    except InvalidRequestError as error:
        return Outcome(_reject(services, message_id, body, sent_at, error.problems))
    except IdConflictError as error:
        problem = Problem(error.member, str(error))
        return Outcome(_reject(services, message_id, body, sent_at, (problem,)))
    return Outcome(Status.QUEUED, export.target if export else None)


def _accept_body(services: Services, body: str, message_id: str, sent_at: float) -> Export | None:
    """Accept an export, the burst of a body `{"Burst": {...}}`, or what a schedule asks for."""
    data = read_json(body)
    if "Schedule" not in data:
        return _accept_plain(services, data, body, message_id, sent_at)
    occurrence = read_occurrence(data, message_id=message_id, sent_at=sent_at)
    logger.info("schedule occurs", reason=occurrence.schedule, request_id=occurrence.request_id)
    latest = services.now() + MAX_AHEAD_SECONDS
    services.occurrences.note(occurrence.schedule, min(occurrence.at.timestamp(), latest))
    if occurrence.kind == "Burst":
        return _accept_plain(services, {"Burst": occurrence.body}, "", message_id, sent_at)
    with problems_under("Export"):
        return accept_request(
            services, json.dumps(occurrence.body), source=message_id, accepted_at=sent_at
        )


def _accept_plain(
    services: Services, data: dict[str, Any], body: str, message_id: str, sent_at: float
) -> Export | None:
    if set(data) != {"Burst"}:
        return accept_request(services, body, source=message_id, accepted_at=sent_at)
    with problems_under("Burst"):
        burst = check_burst(data["Burst"], services.targets)
        accept_burst(services, burst, source=message_id, accepted_at=sent_at)
    return None


def accept_request(services: Services, body: str, *, source: str, accepted_at: float) -> Export:
    """Accept one request, newly or as before; answers it as an export that waits.

    Its id is `source` if it gives none. Raises InvalidRequestError, IdConflictError,
    TransientError.
    """
    request = parse_request(body, services.targets)
    services = services.for_target(request.target)
    export = export_of(services, request, source, accepted_at)
    check_names(export)
    export = _guarded(services, export)
    is_new = services.store.accept(export)
    services.measure(Metric.EXPORTS_ACCEPTED, int(is_new))
    logger.info(
        "accepted", reason="new" if is_new else "delivered again", export_id=export.export_id
    )
    return export


def _guarded(services: Services, export: Export) -> Export:
    """One that was accepted before stays accepted, whatever was published since."""
    try:
        return guard_export(services, export)
    except InvalidRequestError:
        known = services.store.export(export.export_id)
        if known is None or known.digest != export.digest:
            raise
        return export


def export_of(services: Services, request: Request, source: str, accepted_at: float) -> Export:
    """The export of a checked request; `source` names it where the request does not.

    `services` are as of its target. The digest is of what the request asks for, so it is the same
    for a repeated delivery, whatever folder was drawn.
    """
    export_id = request.export_id or source
    plain = _with_destination(services, request.snapshot, naming.raw_prefix(export_id))
    nonce = services.draw_nonce()
    folder = naming.raw_prefix(export_id, nonce)
    snapshot = _with_destination(services, request.snapshot, folder)
    deadline = request.deadline.timestamp() if request.deadline else None
    return Export(
        export_id=export_id,
        status=Status.QUEUED,
        digest=digest_of([request.digest, plain]),
        nonce=nonce,
        dashboard_id=request.dashboard_id,
        snapshot=snapshot,
        rank=rank_of(
            priority=request.priority,
            deadline=deadline,
            accepted_at=accepted_at,
            export_id=export_id,
            expected_seconds=expected_seconds(services, request.dashboard_id, snapshot),
        ),
        accepted_at=accepted_at,
        source=source,
        target=request.target,
        name=request.name,
        tags=request.tags,
        allows=None if "RegisteredUser" in snapshot else request.allows,
        priority=request.priority,
        deadline=deadline,
    )


def expected_seconds(services: Services, dashboard_id: str, snapshot: dict[str, Any]) -> float:
    """How long the first job of a request will probably take."""
    return services.durations.expectation(dashboard_id, formats_of_part(snapshot, 0)).mean


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


def _reject(
    services: Services,
    message_id: str,
    body: str,
    sent_at: float,
    problems: tuple[Problem, ...],
) -> Status:
    """Keep the message and write its record: under its ExportId, unless that names an export."""
    shown = [
        {
            "Field": problem.field[:MAX_PLACE_CHARACTERS],
            "Place": problem.place[:MAX_PLACE_CHARACTERS],
            "Rule": problem.rule,
        }
        for problem in problems[:MAX_PROBLEMS]
    ]
    reason = {"Code": "INVALID_REQUEST", "Problems": shown, "ProblemCount": len(problems)}
    services.rejected.send(first=FirstDelivery(message_id, sent_at), reason=reason, body=body)
    now = services.now()
    text = "; ".join(f"{item['Place'] or 'body'}: {item['Rule']}" for item in shown)
    record = Export(
        export_id=_claimed_id(body, message_id, sent_at),
        status=Status.REJECTED,
        digest=digest_of(body),
        nonce="",
        dashboard_id="",
        snapshot={},
        rank="",
        accepted_at=sent_at,
        source=message_id,
        finished_at=now,
        error=ErrorInfo("INVALID_REQUEST", text),
    )
    expires_at = services.settings.expires_at(now)
    if not services.store.reject(record, expires_at):
        services.store.reject(replace(record, export_id=message_id), expires_at)
    services.measure(Metric.MESSAGES_REJECTED, 1)
    logger.warning(
        "rejected",
        reason=[item["Rule"] for item in shown],
        message_id=message_id,
        export_id=record.export_id,
    )
    return Status.REJECTED


def _claimed_id(body: str, message_id: str, sent_at: float) -> str:
    """The id of a refused message's record: its own, its occurrence's, or the message's."""
    claimed = claimed_export_id(body)
    if claimed is None:
        try:
            data = read_json(body)
        except InvalidRequestError:
            return message_id
        claimed = claimed_occurrence_id(data, message_id=message_id, sent_at=sent_at)
    return claimed or message_id

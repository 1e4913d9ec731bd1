"""Take a message of the intake queue: what it asks for is accepted, or it is refused and kept.

Order of writes: refusing sends the message to the rejected queue first and writes the REJECTED
record after it: dying between the two repeats the first, and nothing is refused without being kept.
That a schedule's message came in is noted before it is accepted: what keeps it from being accepted
has alarms of its own, and the message is delivered again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst_request import check_burst
from snapshot_export.domain.export import ErrorInfo, Export, Status
from snapshot_export.domain.first_delivery import FirstDelivery
from snapshot_export.domain.json_text import digest_of, read_json
from snapshot_export.domain.occurrence import (
    Occurrence,
    claimed_occurrence_id,
    problems_under,
    read_occurrence,
)
from snapshot_export.domain.problem import (
    MAX_PLACE_CHARACTERS,
    MAX_PROBLEMS,
    InvalidRequestError,
    Problem,
)
from snapshot_export.domain.request import claimed_export_id
from snapshot_export.errors import IdConflictError
from snapshot_export.flows.burst.accept import accept_burst
from snapshot_export.flows.export.accept import accept_request
from snapshot_export.metric import Metric

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
        data = {"Burst": occurrence.body}
        return _accept_plain(services, data, "", message_id, sent_at, occurrence)
    with problems_under("Export"):
        return accept_request(
            services, json.dumps(occurrence.body), source=message_id, accepted_at=sent_at
        )


def _accept_plain(
    services: Services,
    data: dict[str, Any],
    body: str,
    message_id: str,
    sent_at: float,
    occurrence: Occurrence | None = None,
) -> Export | None:
    if set(data) != {"Burst"}:
        return accept_request(services, body, source=message_id, accepted_at=sent_at)
    with problems_under("Burst"):
        burst = check_burst(data["Burst"], services.targets)
        accept_burst(services, burst, source=message_id, accepted_at=sent_at, occurrence=occurrence)
    return None


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

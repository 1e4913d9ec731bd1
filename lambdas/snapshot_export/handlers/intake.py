"""Messages of the intake queue: accept each, and admit once for the batch, for each target in it;
sooner when the rest of the batch waits for what QuickSight says of its dashboards.

A message that cannot be handled now is reported as a batch item failure and delivered again; after
five deliveries SQS keeps it in the dead-letter queue. Its neighbours are not held up.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from snapshot_export.adapters.measuring import metrics
from snapshot_export.adapters.services import Services, services_from_env
from snapshot_export.domain.first_delivery import FirstDelivery, first_delivery
from snapshot_export.errors import SnapshotExportError
from snapshot_export.flows.export.admit import try_admit
from snapshot_export.flows.take_message import Outcome, accept_message
from snapshot_export.handlers.boundary import describe_place, guarded, logger
from snapshot_export.metric import Metric

ADMIT_EVERY_SECONDS = 1.0


@metrics.log_metrics
@guarded
def handler(event: dict[str, Any], _context: object) -> PartialItemFailureResponse:
    """SQS event in, batch item failures out."""
    services = services_from_env()
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    waiting: set[str] = set()
    admitted_at = services.now()

    def admit_waiting() -> None:
        for target in sorted(waiting):
            try_admit(services.for_target(target))
        waiting.clear()

    def take(record: SQSRecord) -> None:
        nonlocal admitted_at
        outcome = _accept(services, record)
        if outcome.target:
            waiting.add(outcome.target)
        if services.now() - admitted_at >= ADMIT_EVERY_SECONDS:
            admit_waiting()
            admitted_at = services.now()

    with processor(event["Records"], take):
        processor.process()
    if processor.fail_messages:
        services.measure(Metric.MESSAGES_NOT_TAKEN, len(processor.fail_messages))
    admit_waiting()
    return processor.response()


def _accept(services: Services, record: SQSRecord) -> Outcome:
    first = _first_delivery_of(record)
    logger.append_keys(message_id=first.message_id)
    try:
        return accept_message(
            services, message_id=first.message_id, body=record.body, sent_at=first.sent_at
        )
    except Exception as error:
        known = isinstance(error, SnapshotExportError)
        reason = f"{type(error).__name__}: {error}" if known else describe_place(error)
        logger.warning("message not taken", reason=reason)
        raise
    finally:
        logger.remove_keys(["message_id"])


def _first_delivery_of(record: SQSRecord) -> FirstDelivery:
    attributes = record.raw_event.get("messageAttributes") or {}
    return first_delivery(
        record.message_id,
        int(record.attributes.sent_timestamp) / 1000,
        {name: value.get("stringValue") for name, value in attributes.items()},
    )

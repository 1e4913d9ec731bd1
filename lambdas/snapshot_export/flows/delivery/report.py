"""Report what became of a mail: an event, a metric, a line; then nothing is left to be done for it.

The entry goes last: what a dead function did not announce, the sweep announces. An event may come
twice, with the same EventId. No address is in any of them.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.delivery import FAILURES, Delivery, DeliveryStatus
from snapshot_export.metric import Metric

logger = Logger(child=True)


def report(services: Services, delivery: Delivery) -> None:
    """Announce a mail that is sent, failed or held, and close it. Raises TransientError."""
    if delivery.status in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED):
        services.events.announce_sent(delivery, services.settings.target)
        services.measure(Metric.MAILS_SENT, 1)
    elif delivery.status in FAILURES:
        services.events.announce_unsent(delivery, services.settings.target)
        services.measure(Metric.MAILS_FAILED, 1)
    services.outbox.close(delivery)
    log(delivery)


def log(delivery: Delivery) -> None:
    """One line of what became of a mail."""
    is_failed = delivery.status in FAILURES
    (logger.warning if is_failed else logger.info)(
        "mail",
        reason=delivery.error.code if delivery.error else delivery.status.value,
        status=delivery.status.value,
        delivery_id=delivery.delivery_id,
        export_id=delivery.export_id,
        attempt=delivery.attempt,
    )

"""Settle: SES says by an event what became of a mail that it took.

Order of writes: the record first, conditional on what was read, then the announcement, then the
entry goes. An event that comes again finds the record as it left it, and announces it again, with
the same EventId. An event that comes before the answer of its own SendEmail was written finds
SENDING, and writes what the answer would have; the function that waits for the answer then finds
the record moved on, and leaves it. A mail that arrived is announced as sent where nobody did so:
its function died before, or that event comes later, or never.
"""

from __future__ import annotations

import random

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.delivery import (
    Delivery,
    DeliveryStatus,
    MailEvent,
    after_event,
    export_id_of,
)
from snapshot_export.errors import ConditionFailedError, TransientError
from snapshot_export.flows.delivery.report import log, report
from snapshot_export.metric import Metric

ROUNDS = 5

logger = Logger(child=True)


def settle(services: Services, event: MailEvent) -> None:
    """Write what an event says; one of no mail of ours is left alone. Raises TransientError."""
    export = services.store.export(export_id_of(event.delivery_id))
    if export is None:
        logger.info("no mail of ours", reason="no export")
        return
    services = services.for_target(export.target)
    for _ in range(ROUNDS):
        delivery = services.outbox.find(event.delivery_id)
        if delivery is None:
            logger.info("no mail of ours", reason="no record")
            return
        after = after_event(delivery, event)
        try:
            if after is None:
                _announce_again(services, delivery, event)
                return
            services.outbox.change(delivery, after)
        except ConditionFailedError:
            services.sleep(random.uniform(0.01, 0.06))
            continue
        if after.sent_again and not delivery.sent_again:
            services.measure(Metric.MAILS_SENT_AGAIN, 1)
            logger.error("mail sent twice", reason="in doubt", delivery_id=delivery.delivery_id)
            return
        _report(services, after)
        return
    raise TransientError("the mail's record kept moving")


def _report(services: Services, delivery: Delivery) -> None:
    """One that arrived was announced as sent before, unless its entry is still there."""
    if delivery.status is DeliveryStatus.DELIVERED and not services.outbox.is_open(delivery):
        log(delivery)
    else:
        report(services, delivery)


def _announce_again(services: Services, delivery: Delivery, event: MailEvent) -> None:
    if delivery.status is event.status and delivery.changed_at == event.at:
        _report(services, delivery)

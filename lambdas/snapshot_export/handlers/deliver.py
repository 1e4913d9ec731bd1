"""Mails: messages of the delivery queue, one at a time, and SES's events of what was sent."""

from __future__ import annotations

import json
from typing import Any

from snapshot_export.adapters.measuring import metrics
from snapshot_export.adapters.services import services_from_env
from snapshot_export.domain.mail_event import mail_event_of
from snapshot_export.flows.delivery.deliver import deliver
from snapshot_export.flows.delivery.settle import settle
from snapshot_export.handlers.boundary import guarded, logger


@metrics.log_metrics
@guarded
def handler(event: dict[str, Any], _context: object) -> None:
    """SQS event with `{"DeliveryId": str, "Target": str}`, or an event of SES's, in.

    An exception lets SQS deliver a message again, and Lambda an event.
    """
    services = services_from_env()
    if "Records" not in event:
        mail_event = mail_event_of(event)
        if mail_event is not None:
            logger.append_keys(delivery_id=mail_event.delivery_id)
            settle(services, mail_event)
        return
    for record in event["Records"]:
        message = json.loads(record["body"])
        logger.append_keys(delivery_id=message["DeliveryId"])
        deliver(services.for_target(message["Target"]), message["DeliveryId"])

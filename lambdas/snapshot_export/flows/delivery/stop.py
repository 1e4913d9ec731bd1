"""Stop: a mail that was not sent yet is not sent any more.

One write, conditional on its being PENDING as it was read: what is being sent goes. Then its entry
is removed; dying between the two leaves that to the sweep.
"""

from __future__ import annotations

from dataclasses import replace

from snapshot_export.adapters.services import Services
from snapshot_export.domain.delivery import Delivery, DeliveryStatus
from snapshot_export.domain.export import ErrorInfo, Export
from snapshot_export.errors import ConditionFailedError
from snapshot_export.flows.delivery.report import report


def stop(services: Services, delivery: Delivery, reason: str) -> None:
    """Stop one that is PENDING. Raises ConditionFailedError if it went on meanwhile."""
    stopped = replace(
        delivery,
        status=DeliveryStatus.CANCELLED,
        changed_at=services.now(),
        error=ErrorInfo("CANCELLED", reason),
    )
    services.outbox.change(delivery, stopped)
    report(services, stopped)


def stop_mails(services: Services, export: Export) -> bool:
    """Stop the mails of an export that were not sent; whether there was one."""
    if export.mail is None:
        return False
    services = services.for_target(export.target)
    stopped = False
    for each in services.outbox.of_export(export.export_id):
        if each.status is DeliveryStatus.PENDING:
            try:
                stop(services, each, "cancelled on request")
                stopped = True
            except ConditionFailedError:
                continue
    return stopped

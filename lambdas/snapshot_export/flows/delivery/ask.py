"""Ask for mails to be sent, by messages; what gets lost the sweep asks for again."""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.delivery import deliveries_of
from snapshot_export.domain.export import Export
from snapshot_export.errors import TransientError

logger = Logger(child=True)


def ask_for_deliveries(services: Services, export: Export) -> None:
    """Call after an export has ended: asks for its mails, if it has any."""
    ids = [each.delivery_id for each in deliveries_of(export)]
    if not ids:
        return
    try:
        services.delivery_work.send(ids, export.target)
    except TransientError as error:
        logger.warning("not asked", reason=str(error), export_id=export.export_id)

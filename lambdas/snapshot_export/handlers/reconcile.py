"""The reconciler: on a rule every minute, and on status events of executions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from snapshot_export.adapters.services import services_from_env
from snapshot_export.flows.reconcile import reconcile
from snapshot_export.handlers.boundary import count, guarded, logger, metrics


@metrics.log_metrics
@guarded
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """EventBridge event in, counts of what was mended out."""
    mended = asdict(reconcile(services_from_env()))
    for kind, number in mended.items():
        count("Mended" + kind.title().replace("_", ""), number)
    logger.info("reconciled", reason=event.get("detail-type", "called"), **mended)
    return mended

"""Hint: an object came to where QuickSight writes; ask whether its job ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from snapshot_export.adapters.measuring import metrics
from snapshot_export.adapters.services import services_from_env
from snapshot_export.domain.hint import hint_of
from snapshot_export.flows.export.hint import hear
from snapshot_export.handlers.boundary import guarded, logger


@metrics.log_metrics
@guarded
def handler(event: dict[str, Any], _context: object) -> None:
    """EventBridge's event `Object Created` of S3, in which a key stands as it is."""
    detail = event["detail"]
    written_at = datetime.fromisoformat(event["time"]).timestamp()
    hint = hint_of(detail["bucket"]["name"], detail["object"]["key"], written_at)
    if hint is not None:
        logger.append_keys(export_id=hint.export_id)
        hear(services_from_env(), hint)

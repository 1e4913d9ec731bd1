"""Record what is forecast of a burst's end once its recipients are known, for its report.

The last step of the expansion, which stands whatever happens here.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.errors import ConditionFailedError, SnapshotExportError
from snapshot_export.flows.forecast.forecast import estimate_burst
from snapshot_export.flows.forecast.situation import MAX_READ, read_situation

logger = Logger(child=True)


def record_forecast(services: Services, burst_id: str) -> None:
    """Record the forecast of a burst of which exports run or wait."""
    try:
        seen = read_situation(services, MAX_READ, rest=False)
        estimate = estimate_burst(services, seen, burst_id)
        if estimate is not None:
            services.bursts.note_forecast(burst_id, seen.situation.now, estimate)
    except ConditionFailedError:
        logger.info(
            "forecast not recorded",
            reason="recorded before, or over",
            burst_id=burst_id,
        )
    except SnapshotExportError as error:
        logger.warning("forecast not recorded", reason=type(error).__name__, burst_id=burst_id)

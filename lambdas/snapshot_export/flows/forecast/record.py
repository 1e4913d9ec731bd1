"""Foretell: what is forecast of a burst's end once its recipients are known is kept for its report.

The last step of the expansion, which stands whatever happens here.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.errors import ConditionFailedError, SnapshotExportError
from snapshot_export.flows.forecast.forecast import foresee_burst
from snapshot_export.flows.forecast.situation import MOST_READ, look

logger = Logger(child=True)


def foretell(services: Services, burst_id: str) -> None:
    """Note the forecast of a burst of which exports run or wait."""
    try:
        seen = look(services, MOST_READ, rest=False)
        outlook = foresee_burst(services, seen, burst_id)
        if outlook is not None:
            services.bursts.note_forecast(burst_id, seen.situation.now, outlook)
    except ConditionFailedError:
        logger.info("not foretold", reason="foretold before, or over", burst_id=burst_id)
    except SnapshotExportError as error:
        logger.warning("not foretold", reason=type(error).__name__, burst_id=burst_id)

"""Messages of the burst queue, one at a time: read recipients, cancel, or close.

What is not done before the time is up is handed on by a new message. Lambda's detection of
recursive loops does not end that (infra/functions.py), so the flows do: each message that they
send to their own queue follows a write that moved the burst on by a slice, or ends the chain.
"""

from __future__ import annotations

import json
from typing import Any

from snapshot_export.adapters.measuring import metrics
from snapshot_export.adapters.services import services_from_env
from snapshot_export.domain.burst import Work
from snapshot_export.flows.burst.work import work_on_burst
from snapshot_export.handlers.boundary import guarded, logger

RESERVE_SECONDS = 60.0
"""Left of the function's time for the slice that is under way, and for handing on."""


@metrics.log_metrics
@guarded
def handler(event: dict[str, Any], context: Any) -> None:
    """SQS event with `{"BurstId": str, "Work": str}` in; an exception lets SQS deliver it again."""
    services = services_from_env()
    for record in event["Records"]:
        message = json.loads(record["body"])
        burst_id, work = message["BurstId"], Work(message["Work"])
        logger.append_keys(burst_id=burst_id)
        stop_at = services.now() + context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS
        work_on_burst(services, burst_id, work, stop_at=stop_at)

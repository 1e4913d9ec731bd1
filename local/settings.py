"""How `make run` and `make up` scale the world down, so that a newcomer does not wait."""

from typing import Any

from local.mails import EMAIL
from local.quicksight_process import QuickSightSettings

QUICKSIGHT = QuickSightSettings(limit=12, calls_per_second=10, time_scale=0.3, seed=7)
"""Jobs take 12 s on average instead of 40 s."""

SCALED_CALLS_PER_SECOND = 8
"""Jobs that are scaled down end as much more often, so they need more calls than the default."""

DEPLOYMENT: dict[str, Any] = {
    "snapshotJobLimit": QUICKSIGHT.limit,
    "expectedJobSeconds": 40 * QUICKSIGHT.time_scale,
    "callsPerSecond": SCALED_CALLS_PER_SECOND,
    "email": EMAIL,
}
"""What differs from cdk.json; everything else is deployed as it stands there."""

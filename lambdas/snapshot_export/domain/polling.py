"""When to ask QuickSight next whether a job ended."""

from __future__ import annotations

import math

FIRST_SHARE = 0.4
"""Few jobs end before this share of the expected time."""
GROWTH = 0.2
"""A later poll waits this share of the job's age: the delay stays in proportion to the job."""
POLL_SHARE = 0.75
"""Of the call budget, what polls may use; starts and results take the rest."""
LONGEST_WAIT = 60


def plan_wait(*, age: float, expected_seconds: float, running: int, calls_per_second: float) -> int:
    """Seconds until the next poll of a job that has run for `age` seconds; at least 1.

    Whole seconds: Step Functions' Wait takes no fractions. With `running` jobs the polls together
    stay under POLL_SHARE of `calls_per_second`.
    """
    first = FIRST_SHARE * expected_seconds
    wait = first - age if age < first else GROWTH * age
    spacing = running / (POLL_SHARE * calls_per_second)
    return max(1, math.ceil(spacing - 0.01), min(round(wait), LONGEST_WAIT))

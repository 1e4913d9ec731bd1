"""The table of error classes: which failures of a snapshot job may pass.

A repeated job costs the user money, so only reasons that can pass are tried again.
Source of the names: the error types that DescribeDashboardSnapshotJobResult documents for
registered users, and the names that AWS services give to their own faults. RLS_CHANGED and
CLS_CHANGED are in neither set: "re-run the job with current settings" is to be done once.
"""

from __future__ import annotations

from dataclasses import dataclass

from snapshot_export.domain.export import LOST
from snapshot_export.domain.merge import MERGE_FAILED, MERGE_TOO_LARGE
from snapshot_export.domain.password import (
    PASSWORD_UNAVAILABLE,
    PROTECT_FAILED,
    PROTECT_TOO_LARGE,
)
from snapshot_export.domain.results import RESULT_MISMATCH
from snapshot_export.domain.zipped import ZIP_FAILED, ZIP_TOO_LARGE

MAX_ATTEMPTS = 3
UNKNOWN_MAX_ATTEMPTS = 2
RETRY_DELAY_SECONDS = 20.0

PERMANENT = frozenset(
    {
        "DASHBOARD_ACCESS_DENIED",
        "CAPABILITY_RESTRICTED",
        "DATASET_DELETED",
        "S3_ACCESS_DENIED",
        "ACCESS_DENIED",
        "INVALID_PARAMETER_VALUE",
        RESULT_MISMATCH,
        MERGE_FAILED,
        MERGE_TOO_LARGE,
        ZIP_FAILED,
        ZIP_TOO_LARGE,
        PASSWORD_UNAVAILABLE,
        PROTECT_FAILED,
        PROTECT_TOO_LARGE,
    }
)
TRANSIENT = frozenset(
    {
        LOST,
        "INTERNAL_FAILURE",
        "INTERNAL_ERROR",
        "INTERNAL_SERVICE_ERROR",
        "SERVICE_UNAVAILABLE",
        "THROTTLING",
        "TIMEOUT",
        "QUERY_TIMEOUT",
    }
)


@dataclass(frozen=True)
class Verdict:
    """Whether to make another attempt, after how long, and why."""

    again: bool
    delay: float
    reason: str


def judge_failure(error_type: str, failures: int) -> Verdict:
    """What to do after the same job failed for the `failures`th time, now with `error_type`."""
    name = error_type.upper()
    if name in PERMANENT:
        return Verdict(False, 0.0, "this error does not pass")
    most = MAX_ATTEMPTS if name in TRANSIENT else UNKNOWN_MAX_ATTEMPTS
    if failures >= most:
        return Verdict(False, 0.0, f"failed {failures} times")
    return Verdict(True, RETRY_DELAY_SECONDS * failures, "this error can pass")

"""Whether a data set is ready, judged by its refreshes.

Source of the members: botocore's model of ListIngestions. The order of its list is documented
nowhere, so the newest is found by its time [? newest-ingestions].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from snapshot_export.domain.data_wait import DataSetState, DataWait, Readiness

DIRECT_QUERY = "DIRECT_QUERY"
_BEGUN = ("INITIALIZED", "QUEUED", "RUNNING")


@dataclass(frozen=True, kw_only=True)
class Ingestion:
    """A refresh of a data set in SPICE. Times are epoch seconds; `error_type` is QuickSight's."""

    status: str
    created_at: float
    seconds: int | None = None
    rows_dropped: int = 0
    error_type: str | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Ingestion:
        """From an item of ListIngestions, without its message, which may quote data."""
        return cls(
            status=data["IngestionStatus"],
            created_at=data["CreatedTime"].timestamp(),
            seconds=data.get("IngestionTimeInSeconds"),
            rows_dropped=data.get("RowInfo", {}).get("RowsDropped") or 0,
            error_type=data.get("ErrorInfo", {}).get("Type"),
        )


def judge_direct(data_set_id: str) -> DataSetState:
    """A data set that is queried directly is as new as its source."""
    return DataSetState(
        data_set_id=data_set_id, readiness=Readiness.READY, reason="it is queried directly"
    )


def judge_unreadable(data_set_id: str, operation: str, code: str) -> DataSetState:
    """One whose refreshes QuickSight does not show: it is never taken for ready."""
    gone = code == "ResourceNotFound"
    return DataSetState(
        data_set_id=data_set_id,
        readiness=Readiness.NEVER if gone else Readiness.NOT_YET,
        reason="it does not exist" if gone else f"{operation} was answered with {code}",
    )


def judge_refreshes(
    data_set_id: str, wait: DataWait, ingestions: Iterable[Ingestion]
) -> DataSetState:
    """Ready once a refresh that began at Since or later is completed: the newest such one counts,
    also while another runs or after another failed, since SPICE keeps the data until it has newer.
    """
    every = sorted(ingestions, key=lambda each: each.created_at, reverse=True)
    new = [each for each in every if each.created_at >= wait.since]
    most = wait.max_rows_dropped
    for each in new:
        if each.status == "COMPLETED" and (most is None or each.rows_dropped <= most):
            return _state(data_set_id, each, Readiness.READY, "it was refreshed")
    if new:
        return _state(data_set_id, new[0], Readiness.NOT_YET, _reason(new[0]))
    since = datetime.fromtimestamp(wait.since, UTC)
    reason = f"no refresh has begun since {since:%Y-%m-%dT%H:%MZ}"
    if not every:
        return DataSetState(data_set_id=data_set_id, readiness=Readiness.NOT_YET, reason=reason)
    if every[0].status in _BEGUN:
        reason = f"a refresh runs that began before {since:%Y-%m-%dT%H:%MZ}"
    completed = next((each for each in every if each.status == "COMPLETED"), every[0])
    return _state(data_set_id, completed, Readiness.NOT_YET, reason)


def _reason(newest: Ingestion) -> str:
    if newest.status in _BEGUN:
        return "its refresh has not ended"
    if newest.status == "COMPLETED":
        return "its refresh dropped too many rows"
    kind = f" with {newest.error_type}" if newest.error_type else ""
    return f"its refresh ended {newest.status}{kind}"


def _state(data_set_id: str, shown: Ingestion, readiness: Readiness, reason: str) -> DataSetState:
    ended = shown.status == "COMPLETED" and shown.seconds is not None
    return DataSetState(
        data_set_id=data_set_id,
        readiness=readiness,
        reason=reason,
        refreshed_at=shown.created_at,
        ready_at=shown.created_at + (shown.seconds or 0) if ended else None,
        rows_dropped=shown.rows_dropped or None,
    )

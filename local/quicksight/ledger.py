"""The independent witness: every call and every job, without any value a caller sent for rows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from local.quicksight.jobs import Job
from local.quicksight.throttle import max_in_any_second


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call. `running` and `others` are the slots in use after it, ours and somebody else's."""

    time: float
    operation: str
    dashboard_id: str
    job_id: str
    outcome: str
    lost: bool
    running: int
    others: int


def describe_call(call: Call) -> dict[str, Any]:
    """A call as the ledger shows it."""
    members = asdict(call)
    names = {"dashboard_id": "DashboardId", "job_id": "SnapshotJobId"}
    return {names.get(name, name): value for name, value in members.items()}


def write_ledger(calls: Sequence[Call], jobs: Sequence[Job], limit: int) -> dict[str, Any]:
    """The ledger: limit, calls, jobs and their summary; times in seconds of the epoch."""
    starts = Counter((job.dashboard_id, job.job_id) for job in jobs)
    return {
        "limit": limit,
        "calls": [describe_call(call) for call in calls],
        "jobs": [_describe_job(job, starts[job.dashboard_id, job.job_id]) for job in jobs],
        "summary": _summarize(calls, jobs, limit),
    }


def _describe_job(job: Job, starts: int) -> dict[str, Any]:
    return {
        "SnapshotJobId": job.job_id,
        "DashboardId": job.dashboard_id,
        "formats": job.formats,
        "created": job.created,
        "ended": job.ended,
        "seconds": job.seconds,
        "status": job.status,
        "starts": starts,
    }


def _summarize(calls: Sequence[Call], jobs: Sequence[Job], limit: int) -> dict[str, Any]:
    outcomes = Counter(call.outcome for call in calls)
    seconds = [job.seconds for job in jobs]
    return {
        "jobs_started": len(jobs),
        "peak_running": max((call.running for call in calls), default=0),
        "throttled": outcomes["ThrottlingException"],
        "limit_exceeded": outcomes["LimitExceededException"],
        "calls": len(calls),
        "bound_s": max(sum(seconds) / limit, max(seconds, default=0.0)),
        "first_start": min((job.created for job in jobs), default=None),
        "last_end": max((job.ended for job in jobs if job.ended is not None), default=None),
        "max_calls_in_any_second": max_in_any_second([call.time for call in calls]),
    }

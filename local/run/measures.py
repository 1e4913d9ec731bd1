"""The numbers of a run, taken from the independent witnesses: ledger, histories and records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.breakdown import Breakdown, break_down, find_bound, read_jobs
from local.deployed import Deployed
from local.settings import QUICKSIGHT


@dataclass(frozen=True, kw_only=True)
class Measures:
    """The numbers of one run, as run.json holds them; times in seconds.

    `makespan_s` goes from the first message sent to the last export finished. `bound_s` is what
    no scheduler can beat: the job times shared by all slots, or the longest job.
    """

    completed: int
    failed: int
    peak_running: int
    limit: int
    throttled: int
    limit_exceeded: int
    makespan_s: float
    bound_s: float
    ratio: float
    state_transitions_per_export: float
    quicksight_calls_per_export: float
    lost_seconds: Breakdown | None

    def explanation(self) -> str:
        """Where the time beyond the bound went; empty if not every export has completed."""
        if (lost := self.lost_seconds) is None:
            return ""
        parts = {
            "until every slot had its first job": lost.fill,
            "from a job's end to the poll that saw it": lost.poll + lost.late_end,
            "from there to the next start": lost.hand_off,
            "while the last jobs left slots empty": lost.tail,
            "until the last file was in its place": lost.closing,
        }
        listed = ", ".join(f"{seconds:.1f} s {what}" for what, seconds in parts.items())
        return (
            f"Beyond the sum of the job times shared by all slots, the makespan holds: {listed}. "
            "None of it grows with a job's length, but for the empty slots at the end: job times "
            f"are scaled by {QUICKSIGHT.time_scale} here, and with jobs of 40 s the ratio is far "
            "smaller (docs/benchmark.md)."
        )

    def closing_line(self) -> str:
        """The last line of a run."""
        return (
            f"exports: {self.completed} completed, {self.failed} failed | "
            f"peak running {self.peak_running} of {self.limit} | throttled {self.throttled} | "
            f"limit exceeded {self.limit_exceeded} | makespan {self.makespan_s:.1f} s, "
            f"bound {self.bound_s:.1f} s, ratio {self.ratio:.2f}"
        )


def measure(
    deployed: Deployed, run_id: str, exports: Sequence[Mapping[str, Any]], *, sent_at: float
) -> Measures:
    """Measure the exports whose ids begin with `run_id`; `sent_at` is when the first was sent."""
    ledger = deployed.ledger()
    jobs, calls = (
        [entry for entry in ledger[name] if entry["SnapshotJobId"].startswith(f"{run_id}-")]
        for name in ("jobs", "calls")
    )
    outcomes = [call["outcome"] for call in calls]
    seconds = [float(job["seconds"]) for job in jobs]
    bound = find_bound(seconds, ledger["limit"])
    finished = [float(each["finished_at"]) for each in exports if each.get("finished_at")]
    finished_at = max(finished, default=sent_at)
    makespan = finished_at - sent_at
    completed = sum(each["status"] == "COMPLETED" for each in exports)
    lost = break_down(
        read_jobs(ledger, f"{run_id}-"),
        slots=ledger["limit"],
        sent_at=sent_at,
        finished_at=finished_at,
    )
    count = max(len(exports), 1)
    return Measures(
        completed=completed,
        failed=len(exports) - completed,
        peak_running=max((call["running"] for call in calls), default=0),
        limit=ledger["limit"],
        throttled=outcomes.count("ThrottlingException"),
        limit_exceeded=outcomes.count("LimitExceededException"),
        makespan_s=round(makespan, 3),
        bound_s=round(bound, 3),
        ratio=round(makespan / bound, 4) if bound else 0.0,
        state_transitions_per_export=round(_count_transitions(deployed, run_id) / count, 3),
        quicksight_calls_per_export=round(len(calls) / count, 3),
        lost_seconds=lost if completed == len(exports) else None,
    )


def _count_transitions(deployed: Deployed, run_id: str) -> int:
    states = deployed.client("stepfunctions")
    return sum(
        event["type"].endswith("StateEntered")
        for arn in _executions(deployed, run_id)
        for page in states.get_paginator("get_execution_history").paginate(executionArn=arn)
        for event in page["events"]
    )


def _executions(deployed: Deployed, run_id: str) -> Iterator[str]:
    """Executions are named `<ExportId>-<admission>-<nonce>`."""
    pages = (
        deployed.client("stepfunctions")
        .get_paginator("list_executions")
        .paginate(stateMachineArn=deployed.outputs["StateMachineArn"])
    )
    for page in pages:
        for execution in page["executions"]:
            if execution["name"].startswith(f"{run_id}-"):
                yield execution["executionArn"]

"""The rows of the benchmark, and the numbers that each is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.prices import Counts, price
from local.breakdown import break_down, find_bound, read_jobs
from local.quicksight.throttle import max_in_any_second

COLD = "ours, cold"
LEARNED = "ours, learned"
LOST = "ours, every hint lost"
WAVES = "waves of 12"
RETRIES = "retry loop"
SEMAPHORE = "DynamoDB semaphore"
NAMES = (COLD, LEARNED, LOST, WAVES, RETRIES, SEMAPHORE)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a row did: its part of the ledger (`prefix` of job ids), when, and what it used.

    `finished_at` is when the last file was in its place; None takes the call that saw the last job
    ended. `is_process` says that a machine of the user's runs all the time.
    """

    name: str
    exports: int
    completed: int
    ledger: Mapping[str, Any]
    prefix: str
    sent_at: float
    finished_at: float | None
    counts: Counts
    is_process: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table; times in seconds, `lost_seconds` by the parts of Breakdown.

    `functions_at_once` is how many functions ran at once on average. A row on virtual time has no
    counts of what AWS bills, nor a price.
    """

    name: str
    exports: int
    completed: int
    makespan_s: float
    bound_s: float
    ratio: float
    peak_running: int
    throttled: int
    limit_exceeded: int
    calls_per_second: float
    most_calls_in_a_second: int
    functions_at_once: float
    quicksight_calls_per_export: float
    state_transitions_per_export: float
    retried_transitions_per_export: float
    dynamodb_writes_per_export: float
    refused_writes_per_export: float
    lambda_invocations_per_export: float
    lambda_gb_seconds_per_export: float
    dollars_per_1000_exports: float
    dollars_by_part: dict[str, float]
    lost_seconds: dict[str, float]


def choose_rows(text: str) -> tuple[str, ...]:
    """The rows that a text names, all for none. Our others need cold before them.

    Raises ValueError for a text that names none.
    """
    if not text.strip():
        return NAMES
    chosen = {name for name in NAMES if name in text}
    if not chosen:
        raise ValueError(f"{text!r} names none of the rows: {'; '.join(NAMES)}")
    return tuple(
        name for name in NAMES if name in chosen or (name == COLD and chosen & {LEARNED, LOST})
    )


def measure_row(outcome: Outcome, prices: Mapping[str, float]) -> Row:
    """The numbers of one row, from the ledger, the account's log and the prices."""
    calls = [
        call for call in outcome.ledger["calls"] if call["SnapshotJobId"].startswith(outcome.prefix)
    ]
    jobs = read_jobs(outcome.ledger, outcome.prefix)
    slots = int(outcome.ledger["limit"])
    finished_at = outcome.finished_at or max(job.seen for job in jobs)
    makespan = finished_at - outcome.sent_at
    bound = find_bound([job.drawn for job in jobs], slots)
    counts, exports = outcome.counts, outcome.exports
    hours = makespan / 3600 if outcome.is_process else 0.0
    dollars = price(replace(counts.usage, process_hours=hours), prices)
    lost = break_down(jobs, slots=slots, sent_at=outcome.sent_at, finished_at=finished_at)
    names = [call["outcome"] for call in calls]
    return Row(
        name=outcome.name,
        exports=exports,
        completed=outcome.completed,
        makespan_s=round(makespan, 2),
        bound_s=round(bound, 2),
        ratio=round(makespan / bound, 4),
        peak_running=max(call["running"] for call in calls),
        throttled=names.count("ThrottlingException"),
        limit_exceeded=names.count("LimitExceededException"),
        calls_per_second=round(len(calls) / makespan, 2),
        functions_at_once=round(counts.function_seconds / makespan, 2),
        most_calls_in_a_second=max_in_any_second([call["time"] for call in calls]),
        quicksight_calls_per_export=round(len(calls) / exports, 2),
        state_transitions_per_export=round(counts.transitions / exports, 2),
        retried_transitions_per_export=round(counts.retries / exports, 2),
        dynamodb_writes_per_export=round(counts.writes / exports, 2),
        refused_writes_per_export=round(counts.refused_writes / exports, 2),
        lambda_invocations_per_export=round(counts.invocations / exports, 2),
        lambda_gb_seconds_per_export=round(counts.usage.lambda_gb_seconds / exports, 3),
        dollars_per_1000_exports=round(sum(dollars.values()) * 1000 / exports, 4),
        dollars_by_part={name: round(d * 1000 / exports, 5) for name, d in dollars.items()},
        lost_seconds={name: round(seconds, 3) for name, seconds in asdict(lost).items()},
    )

"""What must be true of an export in every state, whatever the others do."""

from __future__ import annotations

from tests.model.protocol import (
    CANCELLED,
    ENDS,
    JOB_RUNS,
    QUEUED,
    RUNNING,
    TWO_JOBS,
    State,
)


def wrong(state: State) -> str:
    """What is wrong with a state, or ""."""
    lease = state.lease
    holds = lease is not None and lease.holds
    if state.counted != holds:
        return "the gate counts what the leases do not hold"
    if TWO_JOBS in state.jobs:
        return "one attempt has two jobs"
    for attempt, job in enumerate(state.jobs, 1):
        if job == JOB_RUNS and not (holds and state.attempt == attempt):
            return "a job runs without a lease"
        if job == JOB_RUNS and state.ending:
            return "a job runs for an export whose end is noted"
    if len(state.announced) > 1:
        return "two ends are announced"
    if state.status == QUEUED and (lease or not state.entry):
        return "a waiting export has no entry, or an attempt"
    if state.status == RUNNING and (lease is None or state.entry):
        return "a running export has no attempt, or an entry"
    if state.status in ENDS and (lease or state.entry):
        return "an ended export has an attempt or an entry"
    if state.marked and (state.status not in (RUNNING, CANCELLED) or state.announced):
        return "a cancellation that was accepted did not hold"
    return _wrong_end(state)


def _wrong_end(state: State) -> str:
    if state.status not in ENDS:
        return ""
    if state.announced and state.announced != state.status:
        return "another end was announced than the one that is stored"
    if state.status != CANCELLED and not state.announced:
        return "an end is stored that was not announced"
    return ""


def has_ended(state: State) -> bool:
    """The export is at its end, and nobody works on it any more."""
    return state.status in ENDS and not state.calls and not state.late


def is_ours(step: str) -> bool:
    """Whether a step may be counted on to bring an export to its end: no user has to cancel."""
    return not step.startswith("cancel: ")

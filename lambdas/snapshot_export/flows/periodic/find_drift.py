"""Find drift: report it, after a pass of the reconciler has repaired what it can.

A lease that is overdue is asked about here too: `check` frees its slot if QuickSight says that the
job ended, so that a slot never waits for an execution that polls no more. If QuickSight says that
it runs, the slot stays used: there is no cancel. Nothing is written here but by `check`. A job of
a registered user's is not asked about: the reconciler may not act for users.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.drift import Drift, Finding, held_since, judge_backlog, overdue_leases
from snapshot_export.domain.export import Attempt, Phase
from snapshot_export.errors import SnapshotExportError
from snapshot_export.flows.export.admit import admission_at
from snapshot_export.flows.export.check import check

MAX_ASKED = 3
"""Calls to QuickSight of one pass: the budget of 10 a second is the polls'."""

logger = Logger(child=True)


def find_stalled_backlog(services: Services) -> Finding | None:
    """Whether somebody still waits for slots that are free after the pass admitted."""
    gate, attempts = services.store.in_flight()
    now = services.now()
    decision = admission_at(services, gate, now)
    slots = decision.slots if gate.ceiling is None else 0
    due = len(services.store.first_waiting(1, now)) if slots else 0
    return judge_backlog(due=due, slots=slots, attempts=attempts, now=now)


def find_overdue_leases(
    services: Services, attempts: Sequence[Attempt]
) -> tuple[Finding | None, int]:
    """Which leases are held for too long, and how many of them a question to QuickSight freed."""
    overdue = overdue_leases(attempts, _expected_seconds(services), services.now())
    if not overdue:
        return None, 0
    for attempt in overdue:
        logger.error(
            "lease overdue",
            reason="held for much longer than its job should take",
            export_id=attempt.export_id,
            snapshot_job_id=attempt.snapshot_job_id,
            held_seconds=round(services.now() - held_since(attempt)),
        )
    asked = [attempt for attempt in overdue if not attempt.registered][:MAX_ASKED]
    freed = sum(_is_freed(services, attempt) for attempt in asked)
    names = ", ".join(attempt.export_id for attempt in overdue[:MAX_ASKED])
    return Finding(Drift.LEASE_OVERDUE, len(overdue), f"held for too long: {names}"), freed


def _expected_seconds(services: Services) -> Callable[[Attempt], float]:
    durations = services.durations
    return lambda attempt: durations.expectation(attempt.dashboard_id, attempt.formats).mean


def _is_freed(services: Services, attempt: Attempt) -> bool:
    try:
        answer = check(services, attempt.export_id, attempt.attempt, attempt.admission)
    except SnapshotExportError as error:
        logger.warning("not asked", reason=str(error), export_id=attempt.export_id)
        return False
    return bool(answer["Phase"] == Phase.ENDED)

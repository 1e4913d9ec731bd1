"""What counts as drift, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snapshot_export.domain.drift import (
    MIN_OVERDUE_SECONDS,
    STALLED_SECONDS,
    Drift,
    judge_backlog,
    judge_gate,
    overdue_leases,
)
from snapshot_export.domain.export import Attempt
from snapshot_export.domain.gate import Gate

NOW = 1_800_000_000.0
LEASE = Attempt(
    export_id="e",
    attempt=1,
    admission=1,
    dashboard_id="d",
    snapshot_job_id="e-1",
    admitted_at=NOW,
    start_by=NOW,
)


@pytest.mark.parametrize(("running", "amount"), [(2, 1), (0, 1), (5, 4)])
def test_a_counter_that_differs_from_the_leases_is_drift(running: int, amount: int) -> None:
    found = judge_gate(Gate(running=running), [LEASE, replace(LEASE, holds_slot=False)])
    assert found is not None
    assert (found.kind, found.amount) == (Drift.GATE_DRIFT, amount)
    assert f"the counter is {running}, the leases are 1" in found.reason


def test_a_counter_of_the_leases_is_right() -> None:
    assert judge_gate(Gate(running=1), [LEASE, replace(LEASE, holds_slot=False)]) is None


@pytest.mark.parametrize(
    ("due", "slots", "quiet_for", "stalled"),
    [
        (1, 3, STALLED_SECONDS, True),
        (0, 3, STALLED_SECONDS, False),
        (1, 0, STALLED_SECONDS, False),
        (1, 3, STALLED_SECONDS - 1, False),
    ],
    ids=["stands", "nobody waits", "full, paused or held back", "somebody was just admitted"],
)
def test_a_backlog_is_stalled_if_it_waits_for_nothing(
    due: int, slots: int, quiet_for: float, stalled: bool
) -> None:
    attempts = [replace(LEASE, admitted_at=NOW - quiet_for)]
    found = judge_backlog(due=due, slots=slots, attempts=attempts, now=NOW)
    assert (found is not None) is stalled


def test_a_lease_is_overdue_after_ten_times_what_its_job_should_take() -> None:
    held = replace(LEASE, started_at=NOW - 5000)

    def asked_for(seconds: float) -> bool:
        return bool(overdue_leases([held], lambda _: seconds, NOW))

    assert (asked_for(499), asked_for(501)) == (True, False)


def test_a_lease_is_not_overdue_within_half_an_hour() -> None:
    young = replace(LEASE, admitted_at=NOW - MIN_OVERDUE_SECONDS)
    assert overdue_leases([young], lambda _: 1.0, NOW) == []
    old = replace(LEASE, admitted_at=NOW - MIN_OVERDUE_SECONDS - 1)
    assert overdue_leases([old, replace(old, holds_slot=False)], lambda _: 1.0, NOW) == [old]

"""Our rows for an account of another limit, on virtual time: `make bench SLOTS=100 JOBS=1000`.

A hundred slots end more exports in a second than the embedded account on two processors works off,
so here the flows and adapters run over clients in memory (bench/virtual.py). The job times are
drawn as in the other rows.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.prices import Counts, load_prices
from bench.requests import DASHBOARDS, make_requests
from bench.rows import Outcome, Row, measure_row
from bench.virtual import VirtualAccount
from local.account.notifications import Notifications
from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS
from snapshot_export.domain.export import Export
from snapshot_export.errors import TransientError

HINTS, LOST = "ours, on virtual time", "ours, every hint lost, on virtual time"
CALLS_PER_SECOND = 9.0
"""Of QuickSight's 10: so many slots need what a default deployment leaves to others."""
INTAKE_FUNCTIONS = 5
REDELIVERED_SECONDS = 20.0
_NOTIFICATIONS = {HINTS: Notifications(), LOST: None}


def simulate_rows(*, slots: int, jobs: int, seed: int) -> list[Row]:
    """Each row on an account of its own, which has seen each dashboard run once."""
    return [_simulate(name, slots, jobs, seed) for name in _NOTIFICATIONS]


def _simulate(name: str, slots: int, jobs: int, seed: int) -> Row:
    dashboards = [each.dashboard_id for each in SAMPLE_DASHBOARDS[:DASHBOARDS]]
    account = VirtualAccount(
        seed,
        dashboards,
        slots=slots,
        calls_per_second=CALLS_PER_SECOND,
        notifications=_NOTIFICATIONS[name],
        by_viewer=True,
    )
    _send(account, "first", DASHBOARDS)
    quicksight, busy = account.quicksight, account.busy
    quicksight.ledger["jobs"].clear()
    quicksight.ledger["calls"].clear()
    sent_at = account.clock.now()
    records = _send(account, "run", jobs)
    ends = [record.finished_at for record in records if record and record.finished_at]
    outcome = Outcome(
        name=name,
        exports=jobs,
        completed=len(ends),
        ledger=quicksight.ledger,
        prefix="",
        sent_at=sent_at,
        finished_at=max(ends),
        counts=Counts(function_seconds=account.busy - busy),
        is_process=False,
    )
    return measure_row(outcome, load_prices())


def _send(account: VirtualAccount, prefix: str, jobs: int) -> list[Export | None]:
    """Send messages, which functions of the intake take side by side, and run to the last end."""
    requests = [
        body | {"ExportId": f"{prefix}-{number:04}"}
        for number, body in enumerate(make_requests(jobs), start=1)
    ]
    for first in range(INTAKE_FUNCTIONS):
        share = requests[first::INTAKE_FUNCTIONS]
        account.call_at(account.clock.now(), partial(_take, account, share))
    account.run()
    return [account.services.store.export(str(each["ExportId"])) for each in requests]


def _take(account: VirtualAccount, requests: list[dict[str, Any]]) -> None:
    for request in requests:
        while True:
            try:
                account.send(request)
                break
            except TransientError:
                account.clock.sleep(REDELIVERED_SECONDS)

"""Faults on the running stack: `run()` is part `stack` of `make chaos`, `sample()` a short run.

CHAOS_SEED repeats a run's workload, faults and troubles as far as concurrency lets.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from local.deployment import WORK_DIR
from tests.chaos.part import PartResult
from tests.chaos.stack.plan import Plan, run_plan

CLAIMS = frozenset(
    {
        "counter and lease in two writes",
        "a SnapshotJobId of each start's own",
        "the reconciler restarts no execution",
    }
)
"""Bugs that the sample must catch (bugs.py): those that it meets for certain, not by chance."""

FULL = Plan(exports=500, seed=1)
SHORT = Plan(
    exports=30,
    seed=1,
    wait_scale=0.15,
    in_turn=True,
    waves=3,
    wave_seconds=2.0,
    kill=(1.0, 4.0),
    most_kills=8,
    stop=(1.0, 3.0),
    most_stops=3,
    occupy=(1.0, 4.0),
    drop_events=(0.5, 3.0),
    outage=(3.0, 8.0),
    cancel=(0.3, 1.0),
    clock=(3.0, 4.0),
    calm_at=0.6,
    stalled_seconds=120.0,
)


def run() -> PartResult:
    """500 exports, everything going wrong at once."""
    seed = int(os.environ.get("CHAOS_SEED", FULL.seed))
    return run_plan(FULL.with_seed(seed), WORK_DIR / "chaos-stack")


def sample() -> PartResult:
    """30 exports: every fault and every trouble at least once."""
    with tempfile.TemporaryDirectory(prefix="chaos-stack-") as folder:
        return run_plan(SHORT, Path(folder))

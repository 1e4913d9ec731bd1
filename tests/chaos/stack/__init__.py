"""Faults on the running stack: `run()` is part `stack` of `make chaos`.

CHAOS_SEED repeats a run's workload, faults and troubles as far as concurrency lets.
"""

from __future__ import annotations

import os

from local.deployment import WORK_DIR
from tests.chaos.part import PartResult
from tests.chaos.stack.plan import Plan, run_plan


def run() -> PartResult:
    """500 exports, everything going wrong at once."""
    plan = Plan(exports=500, seed=int(os.environ.get("CHAOS_SEED", "1")))
    return run_plan(plan, WORK_DIR / "chaos-stack")

"""`make bench`: ours beside what others do, on the same job times, in one run.

    python -m bench.compare --jobs 100 --rows "ours, cold; waves of 12"

Prints the table and writes bench/results.json and docs/benchmark.md with its chart. Nothing is
scaled down: 100 exports take as long as the slowest row, about 20 minutes. `--slots 100` runs our
own rows for an account of another limit, on virtual time (bench/many_slots.py).
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.arena import Arena
from bench.many_slots import CALLS_PER_SECOND, simulate_rows
from bench.prices import load_prices
from bench.report import print_lost_seconds, print_rows, write_results
from bench.requests import MOST
from bench.rows import Row, choose_rows, measure_row
from bench.runs import Plan, kinds_of, run_rows
from bench.virtual import DEFAULT_CALLS_PER_SECOND
from local.command import CommandError, run_command
from local.deployment import PROJECT_ROOT, WORK_DIR

FOLDER = WORK_DIR / "bench"
SEED = 7
SLOTS = 12
MEAN_SECONDS = 40.0


def main(arguments: list[str] | None = None) -> int:
    """Run once; 1 if an export of any row did not complete, or the rows had other job times."""
    chosen = _read(arguments)
    console = Console(highlight=False)
    is_virtual = chosen.slots != SLOTS
    if is_virtual:
        rows = simulate_rows(slots=chosen.slots, jobs=chosen.jobs, seed=SEED)
    else:
        rows = _run(chosen, console)
    print_rows(console, rows, slots=chosen.slots, is_virtual=is_virtual)
    print_lost_seconds(console, rows)
    if chosen.write:
        write_results(_result(chosen, rows, is_virtual=is_virtual), PROJECT_ROOT)
        console.print("written: bench/results.json, docs/benchmark.md, docs/benchmark.svg")
    return 0 if _is_right(console, rows) else 1


def _run(chosen: argparse.Namespace, console: Console) -> list[Row]:
    least = chosen.jobs * MEAN_SECONDS * chosen.scale / SLOTS
    plan = Plan(chosen.rows, chosen.jobs, patience=600 + 6 * least)
    console.print(f"{chosen.jobs} exports, rows: {'; '.join(plan.names)}")
    console.print(
        f"{SLOTS} slots need about {least:.0f} s at least; the slowest row takes some times that"
    )
    with Arena(chosen.folder, kinds_of(plan.names), scale=chosen.scale, seed=SEED) as arena:
        outcomes = run_rows(arena, plan)
    prices = load_prices()
    return [measure_row(outcome, prices) for outcome in outcomes]


def _read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100, help=f"how many exports (to {MOST})")
    parser.add_argument(
        "--slots",
        type=int,
        default=SLOTS,
        help=f"of the account; other than {SLOTS} runs our own rows on virtual time",
    )
    parser.add_argument("--rows", default="", help="names of rows; all of them for none")
    parser.add_argument("--scale", type=float, default=1.0, help="of job times, for a try")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for logs and ledgers")
    parser.add_argument("--no-write", dest="write", action="store_false", help="print only")
    chosen = parser.parse_args(arguments)
    if chosen.slots < 1 or not 1 <= chosen.jobs <= MOST:
        raise CommandError(f"SLOTS must be at least 1, and JOBS from 1 to {MOST}")
    try:
        chosen.rows = choose_rows(chosen.rows)
    except ValueError as error:
        raise CommandError(str(error)) from None
    return chosen


def _is_right(console: Console, rows: list[Row]) -> bool:
    """Whether every export completed, and all rows had the same work to do."""
    lost = [row.name for row in rows if row.completed != row.exports]
    if lost:
        console.print(f"WRONG: not every export completed in: {'; '.join(lost)}")
    bounds = {row.bound_s for row in rows}
    if len(bounds) != 1:
        console.print(f"WRONG: the rows had different job times, bounds {sorted(bounds)}")
    return not lost and len(bounds) == 1


def _result(chosen: argparse.Namespace, rows: list[Row], *, is_virtual: bool) -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": commit,
        "machine": {
            "cpus": os.cpu_count(),
            "load_15_min": round(os.getloadavg()[2], 2),
            "python": platform.python_version(),
        },
        "exports": chosen.jobs,
        "slots": chosen.slots,
        "is_virtual": is_virtual,
        "calls_per_second": CALLS_PER_SECOND if is_virtual else DEFAULT_CALLS_PER_SECOND,
        "seed": SEED,
        "scale": chosen.scale,
        "rows": [asdict(row) for row in rows],
    }


if __name__ == "__main__":
    sys.exit(run_command(main, logs=str(FOLDER)))

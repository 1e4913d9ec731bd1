"""`make bench`: ours beside what others do, on the same job times, in one run.

    python -m bench.compare --jobs 100 --rows "ours, cold; waves of 12"

Prints the table and writes bench/results.json and docs/benchmark.md with its chart. Nothing is
scaled down: 100 exports take as long as the slowest row, about 15 minutes.
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
from bench.prices import load_prices
from bench.report import print_lost_seconds, print_rows, write_results
from bench.rows import Row, choose_rows, measure_row
from bench.runs import Plan, kinds_of, run_rows
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
    least = chosen.jobs * MEAN_SECONDS * chosen.scale / SLOTS
    plan = Plan(chosen.rows, chosen.jobs, patience=600 + 6 * least)
    console.print(f"{chosen.jobs} exports, rows: {'; '.join(plan.names)}")
    console.print(
        f"12 slots need about {least:.0f} s at least; the slowest row takes some times that"
    )
    with Arena(chosen.folder, kinds_of(plan.names), scale=chosen.scale, seed=SEED) as arena:
        outcomes = run_rows(arena, plan)
    prices = load_prices()
    rows = [measure_row(outcome, prices) for outcome in outcomes]
    print_rows(console, rows)
    print_lost_seconds(console, rows)
    if chosen.write:
        write_results(_result(chosen, rows), PROJECT_ROOT)
        console.print("written: bench/results.json, docs/benchmark.md, docs/benchmark.svg")
    return 0 if _is_right(console, rows) else 1


def _read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100, help="how many exports (to 320)")
    parser.add_argument("--rows", default="", help="names of rows; all of them for none")
    parser.add_argument("--scale", type=float, default=1.0, help="of job times, for a try")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for logs and ledgers")
    parser.add_argument("--no-write", dest="write", action="store_false", help="print only")
    chosen = parser.parse_args(arguments)
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


def _result(chosen: argparse.Namespace, rows: list[Row]) -> dict[str, Any]:
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
        "slots": SLOTS,
        "seed": SEED,
        "scale": chosen.scale,
        "rows": [asdict(row) for row in rows],
    }


if __name__ == "__main__":
    sys.exit(run_command(main, logs=str(FOLDER)))

"""`make bench-idle`: how long one export takes beside its job, where nothing else runs.

The stack as `cdk deploy` makes it with its defaults, on the embedded account, whose notifications
are late as S3's are. One export after another, with a pause between, each with one PDF of a job of
SECONDS: from acceptance to the job's start, and from the job's end to the file in its place. The
functions are warm: what a cold start adds is `make bench-cold`'s.
"""

from __future__ import annotations

import argparse
import statistics
import time

from rich.console import Console
from rich.table import Table

from bench.requests import make_requests
from local.breakdown import read_jobs
from local.cloud import LocalCloud
from local.deployed import Deployed
from local.deployment import WORK_DIR
from local.quicksight_process import QuickSightSettings
from local.run.warm import warm

SECONDS = 6.0
PAUSE_SECONDS = 2.0
GOALS = {"acceptance to start": 0.2, "end to file in place": 1.2}
"""Medians, in seconds. Most of the second is S3's notification, 0.7 s late on average, against the
0.1 to 3 s by which a file comes before its job's end."""


def main() -> int:
    """Print the figures; 1 if an export did not complete."""
    parser = argparse.ArgumentParser(prog="make bench-idle", description=__doc__)
    parser.add_argument("--exports", type=int, default=40)
    count = parser.parse_args().exports
    console = Console(highlight=False)
    settings = QuickSightSettings(seed=7)
    with LocalCloud(WORK_DIR / "idle", quicksight=settings) as cloud:
        deployed = cloud.deploy({})
        found = measure(deployed, count)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("", "median", "90 %", "most", "goal"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, seconds in found.items():
        nine_in_ten = statistics.quantiles(seconds, n=10)[-1]
        figures = (statistics.median(seconds), nine_in_ten, max(seconds), GOALS[name])
        table.add_row(name, *(f"{each:.2f} s" for each in figures))
    console.print(f"{count} exports, one after another, jobs of {SECONDS:g} s")
    console.print(table)
    return 0


def measure(deployed: Deployed, count: int) -> dict[str, list[float]]:
    """Seconds of each export, by what they are from and to; not of the first, which finds out that
    hints come. Raises TimeoutError, and RuntimeError for one that failed."""
    requests = make_requests(count + 1)
    warm(deployed, {str(each["DashboardId"]) for each in requests})
    found: dict[str, list[float]] = {name: [] for name in GOALS}
    for number, request in enumerate(requests):
        export_id = f"idle-{number:03}"
        deployed.switch({"kind": "job_seconds", "seconds": SECONDS, "times": 1})
        deployed.send(request | {"ExportId": export_id})
        export = deployed.wait_for_export(export_id)
        if export["status"] != "COMPLETED":
            raise RuntimeError(f"{export_id} is {export['status']}: {export.get('error')}")
        if number > 0:
            (job,) = read_jobs(deployed.ledger(), f"{export_id}-")
            found["acceptance to start"].append(job.started - float(export["accepted_at"]))
            found["end to file in place"].append(float(export["finished_at"]) - job.ended)
        time.sleep(PAUSE_SECONDS)
    return found


if __name__ == "__main__":
    raise SystemExit(main())

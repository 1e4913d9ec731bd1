"""`make run`: deploy to an embedded account, export dashboards, show what came out.

Uses the account that `make up` keeps running, or else starts one and stops it at the end.
"""

import argparse
import fcntl
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from local.cloud import LocalCloud
from local.command import CommandError, run_command
from local.deployed import FINAL, Deployed
from local.deployment import WORK_DIR
from local.examples import make_messages
from local.mail.page import write_pages
from local.mails import describe_mails, mailed, prepare_mails, wait_for_mails
from local.run.measures import measure
from local.run.progress import ProgressDisplay, Standing, judge_standing
from local.run.report import download_files, print_table, write_run_json
from local.run.run_report import ask_forecast, write_report
from local.run.warm import warm
from local.running_account import KeptCloud, find_kept
from local.settings import DEPLOYMENT, QUICKSIGHT

RUN_DIR = WORK_DIR / "run"
_POLL_SECONDS = 0.5
_STALLED_SECONDS = 120


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once; the exit status is 1 if an export failed or did not end."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--exports", type=int, default=48, help="how many (default 48)")
    count = parser.parse_args(arguments).exports
    if count < 1:
        raise CommandError(f"EXPORTS must be at least 1, not {count}")
    console = Console(highlight=False, soft_wrap=True)
    with _running_alone(), _cloud() as cloud:
        console.print("deploying the stack with cdk deploy")
        began = time.monotonic()
        deployed = cloud.deploy(DEPLOYMENT)
        prepare_mails(deployed)
        console.print(f"deployed in {time.monotonic() - began:.0f} s; warming functions and caches")
        return _export(deployed, console, count, cloud.state_dir)


def _export(deployed: Deployed, console: Console, count: int, logs: Path) -> int:
    run_id = f"run-{time.strftime('%Y%m%d-%H%M%S')}"
    messages = [mailed(message) for message in make_messages(run_id, count)]
    warm(deployed, {message["DashboardId"] for message in messages})
    console.print(f"exporting {count} dashboards")
    export_ids = [message["ExportId"] for message in messages]
    expected = ask_forecast(deployed, messages)
    sent_at = time.time()
    deployed.send(*messages)
    exports = _follow(deployed, console, export_ids)
    if len(exports) < count or any(not _has_ended(export) for export in exports.values()):
        console.print(f"nothing moved for {_STALLED_SECONDS} s; logs are in {logs}")
    files = download_files(deployed, exports.values())
    measures = measure(
        deployed, run_id, [exports.get(m["ExportId"], _MISSING) for m in messages], sent_at=sent_at
    )
    write_run_json(measures)
    print_table(console, messages, exports)
    report = write_report(deployed, run_id, export_ids, sent_at=sent_at, expected=expected)
    console.print(f"{files} files in {WORK_DIR / 'exports'}; a report to look at: {report}")
    mails = wait_for_mails(deployed, export_ids, measures.completed)
    pages = write_pages(deployed.mailbox, WORK_DIR / "mailbox")
    console.print(f"{describe_mails(mails)}; a mailbox to look at: {pages}")
    console.print(measures.explanation())
    print(measures.closing_line(), flush=True)
    return 0 if measures.completed == len(mails) == count else 1


_MISSING: Mapping[str, Any] = {"status": "NOT_ACCEPTED"}


def _follow(
    deployed: Deployed, console: Console, export_ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The records of the exports when all have ended, or when nothing has moved for long."""
    exports: dict[str, dict[str, Any]] = {}
    last: Standing | None = None
    with ProgressDisplay(console, len(export_ids)) as display:
        while True:
            open_ids = [each for each in export_ids if not _has_ended(exports.get(each))]
            exports.update(deployed.exports(open_ids))
            holders = {lease["export_id"] for lease in deployed.leases()}
            standing = judge_standing(len(export_ids), exports, holders, limit=QUICKSIGHT.limit)
            display.show(standing)
            if standing.ended == len(export_ids):
                return exports
            if standing != last:
                last, moved_at = standing, time.monotonic()
            elif time.monotonic() - moved_at > _STALLED_SECONDS:
                return exports
            time.sleep(_POLL_SECONDS)


def _has_ended(export: Mapping[str, Any] | None) -> bool:
    return export is not None and export["status"] in FINAL


@contextmanager
def _cloud() -> Iterator[LocalCloud | KeptCloud]:
    kept = find_kept()
    if kept is not None:
        print("using the account that `make up` keeps running")
        yield kept
        return
    print("starting the embedded AWS account and the QuickSight emulator")
    with LocalCloud(RUN_DIR, quicksight=QUICKSIGHT) as cloud:
        yield cloud


@contextmanager
def _running_alone() -> Iterator[None]:
    WORK_DIR.mkdir(exist_ok=True)
    with (WORK_DIR / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError("another `make run` of this folder is under way") from None
        yield


if __name__ == "__main__":
    sys.exit(run_command(main, logs=str(WORK_DIR)))

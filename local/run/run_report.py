"""The report of a run, made as a burst's is: .local/run/report.html, with links to local files."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3

from local.account.environment import ACCESS_KEY, REGION, SECRET_KEY
from local.deployed import Deployed
from local.deployment import PROJECT_ROOT, WORK_DIR
from local.examples import formats_of
from local.run.report import EXPORTS_DIR, file_of
from local.settings import QUICKSIGHT
from snapshots.api import Api
from snapshots.connection import Account
from snapshots.errors import CliError

REPORT = WORK_DIR / "report.html"


@dataclass(frozen=True)
class Expected:
    """Seconds from sending to the last end, as likely more as less, and more in one of 20 cases."""

    p50: float
    p95: float


def api_of(deployed: Deployed) -> Api:
    """The deployed API, as the command line calls it."""
    session = boto3.Session(ACCESS_KEY, SECRET_KEY, region_name=REGION)
    account = Account(session=session, region=REGION, endpoint_url=deployed.endpoint_url)
    return Api(deployed.api_url, account)


def ask_forecast(deployed: Deployed, messages: Sequence[dict[str, Any]]) -> Expected | None:
    """What the deployed API expects of these exports, were they sent now; None if it cannot say."""
    kinds = Counter((each["DashboardId"], tuple(formats_of(each))) for each in messages)
    planned = [
        {"DashboardId": dashboard, "Formats": formats, "Count": count}
        for (dashboard, formats), count in kinds.items()
    ]
    try:
        plan = api_of(deployed).post("forecast", body={"Exports": planned})
    except CliError:
        return None
    if plan["FinishP50"] is None:
        return None
    start, p50, p95 = (
        datetime.fromisoformat(plan[name]).timestamp()
        for name in ("StartAt", "FinishP50", "FinishP95")
    )
    return Expected(p50 - start, p95 - start)


def write_report(
    deployed: Deployed,
    run_id: str,
    export_ids: Sequence[str],
    *,
    sent_at: float,
    expected: Expected | None,
) -> Path:
    """Write the page; its address. Exports that were not accepted are counted only."""
    if str(PROJECT_ROOT / "lambdas") not in sys.path:
        sys.path.insert(0, str(PROJECT_ROOT / "lambdas"))
    from snapshot_export.adapters.table.burst_store import MAX_READ_AT_ONCE, BurstStore
    from snapshot_export.adapters.table.dynamodb import Table
    from snapshot_export.adapters.table.records import Keys
    from snapshot_export.domain.burst import status_of_ends
    from snapshot_export.report.collector import RecordedForecast, ReportCollector
    from snapshot_export.report.page import render_page

    outputs = deployed.outputs
    table = Table(deployed.client("dynamodb"), outputs["TableName"], time.sleep)
    store = BurstStore(table, Keys(outputs["QuickSightAccountId"], outputs["QuickSightRegion"]))
    collector, ends, links = ReportCollector(), Counter[str](), dict[str, str]()
    for at in range(0, len(export_ids), MAX_READ_AT_ONCE):
        for export in store.exports(export_ids[at : at + MAX_READ_AT_ONCE]):
            collector.add(export)
            ends[export.status.value] += 1
            for file in export.files:
                if file.uri and (path := file_of(export.export_id, file.uri)).exists():
                    links[file.uri] = quote(path.relative_to(WORK_DIR).as_posix())
    forecast = None
    if expected is not None:
        p50, p95 = sent_at + expected.p50, sent_at + expected.p95
        forecast = RecordedForecast(at=sent_at, p50=p50, p95=p95, occasion="before they were sent")
    counts = _counts(ends, len(export_ids))
    status = status_of_ends(
        completed=counts["Completed"],
        failed=counts["Failed"] + counts.get("Unfinished", 0),
        cancelled=counts["Cancelled"],
        refused=counts["Refused"],
    )
    report = collector.report(
        kind="Run on the embedded account",
        name=run_id,
        each="export",
        status=status.value,
        counts=counts,
        accepted_at=sent_at,
        slots=QUICKSIGHT.limit,
        manifest=str(EXPORTS_DIR),
        forecast=forecast,
    )
    page = "".join(render_page(report, link=links.get, written_at=time.time()))
    REPORT.write_text(page, encoding="utf-8")
    return REPORT


def _counts(ends: Counter[str], total: int) -> dict[str, int]:
    counts = {"Total": total}
    for name in ("Completed", "Failed", "Cancelled"):
        counts[name] = ends[name.upper()]
    counts["Refused"] = ends["REJECTED"]
    unfinished = total - sum(counts[name] for name in counts if name != "Total")
    return counts | ({"Unfinished": unfinished} if unfinished else {})

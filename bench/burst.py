"""A burst of very many recipients, against the embedded account's DynamoDB, S3 and SQS.

    python -m bench.burst --recipients 100000 --wrong 1000

Runs the flows of the burst function in this process, as one invocation after the other would, and
prints time, peak memory of this process, and calls per recipient. The emulator answers from one
process on this machine, so the times are of the emulator and the flows together.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.account import make_account
from local.account import EmbeddedAws
from local.quicksight_process import QuickSightProcess, QuickSightSettings
from snapshot_export.adapters.services import Services
from snapshot_export.adapters.table.burst_records import burst_key
from snapshot_export.adapters.table.dynamodb import update_of
from snapshot_export.domain.burst import Burst, Work, export_id_of
from snapshot_export.domain.burst_request import check_burst
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.flows.burst.accept import accept_burst
from snapshot_export.flows.burst.work import work_on_burst

BURST_ID = "bench"
INVOCATION_SECONDS = 840.0


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What a burst took. Memory in MiB, of this process at its peak."""

    recipients: int
    accepted: int
    refused_lines: tuple[int, ...]
    first_admitted_seconds: float | None
    expand_seconds: float
    invocations: int
    close_seconds: float
    manifest_files: int
    calls: Counter[str]
    peak_mib: float


def manifest_text(recipients: int, wrong: int) -> Iterator[str]:
    """A CSV of that many recipients; every n-th has no tag, so that `wrong` are wrong."""
    every = recipients // wrong if wrong else recipients + 1
    yield "RecipientId,Name,tag:customer_id,parameter:string:Region\n"
    for number in range(1, recipients + 1):
        tag = "" if number % every == 0 and number // every <= wrong else f"cust-{number:06d}"
        yield f"r-{number},{{recipient}}/report,{tag},North\n"


def wrong_lines(recipients: int, wrong: int) -> tuple[int, ...]:
    """The lines that `manifest_text` makes wrong; the header is line 1."""
    every = recipients // wrong if wrong else 1
    return tuple(number * every + 1 for number in range(1, wrong + 1))


def run_burst(services: Services, calls: Counter[str], recipients: int, wrong: int) -> Measures:
    """Put the manifest, accept the burst, expand and close it."""
    bucket = services.settings.export_bucket
    body = "".join(manifest_text(recipients, wrong)).encode()
    services.manifests._client.put_object(Bucket=bucket, Key="manifests/bench.csv", Body=body)
    del body
    request = check_burst(
        _request(str(ObjectAddress(bucket, "manifests/bench.csv"))), services.targets
    )
    calls.clear()
    begin = time.monotonic()
    accept_burst(services, request, source="bench", accepted_at=services.now())
    invocations = 0
    while (burst := _burst(services)).work_left is Work.EXPAND:
        stop_at = services.now() + INVOCATION_SECONDS
        work_on_burst(services, BURST_ID, Work.EXPAND, stop_at=stop_at)
        invocations += 1
    expanded = time.monotonic()
    refused = tuple(refusal.line for refusal in services.bursts.refusals(BURST_ID))
    expand_calls = Counter(calls)
    first = services.store.export(export_id_of(BURST_ID, 2))
    admitted = first.admitted_at if first else None
    _end_all(services, burst)
    closing = time.monotonic()
    work_on_burst(services, BURST_ID, Work.CLOSE, stop_at=services.now() + INVOCATION_SECONDS)
    closed = time.monotonic()
    peak_mib = _peak_mib()
    return Measures(
        recipients=recipients,
        accepted=burst.accepted,
        refused_lines=refused,
        first_admitted_seconds=admitted - burst.accepted_at if admitted else None,
        expand_seconds=expanded - begin,
        invocations=invocations,
        close_seconds=closed - closing,
        manifest_files=_files_listed(services),
        calls=expand_calls,
        peak_mib=peak_mib,
    )


def _request(uri: str) -> dict[str, Any]:
    selection = {"SheetId": "summary", "SelectionScope": "ALL_VISUALS"}
    groups = [{"Files": [{"FormatType": "PDF", "SheetSelections": [selection]}]}]
    return {
        "BurstId": BURST_ID,
        "Template": {
            "DashboardId": "sales-overview",
            "SnapshotConfiguration": {"FileGroups": groups},
        },
        "Manifest": {"S3Uri": uri, "Format": "CSV"},
    }


def _burst(services: Services) -> Burst:
    burst = services.bursts.find(BURST_ID)
    assert burst is not None
    return burst


def _end_all(services: Services, burst: Burst) -> None:
    """Count all exports as ended, though none ran: closing is measured by itself."""
    write = update_of(burst_key(BURST_ID), "SET completed = :all", values={":all": burst.accepted})
    services.store._table.update(write)


def _files_listed(services: Services) -> int:
    answer = services.manifests._client.get_object(
        Bucket=services.settings.export_bucket, Key=f"bursts/{BURST_ID}/manifest.json"
    )
    return len(json.loads(answer["Body"].read())["Files"])


def _peak_mib() -> float:
    """Peak resident memory of this process. Not getrusage's: that starts with the parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (peak,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024


def main(arguments: list[str]) -> int:
    """Run and print; 1 if anything was lost, doubled or wrongly refused."""
    parser = argparse.ArgumentParser(prog="python -m bench.burst")
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--wrong", type=int, default=1_000)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, EmbeddedAws(Path(folder)) as aws:
        quicksight = QuickSightProcess(Path(folder) / "quicksight", QuickSightSettings())
        quicksight.start(aws.endpoint_url)
        try:
            services, calls = make_account(aws, quicksight.url)
            found = run_burst(services, calls, chosen.recipients, chosen.wrong)
        finally:
            quicksight.stop()
    is_right = (
        found.refused_lines == wrong_lines(chosen.recipients, chosen.wrong)
        and found.accepted == chosen.recipients - chosen.wrong == found.manifest_files
    )
    lines = ", ".join(map(str, found.refused_lines[:5]))
    dynamodb = {name: n for name, n in found.calls.items() if name.startswith("dynamodb.")}
    per_recipient = sum(dynamodb.values()) / found.recipients
    first = found.first_admitted_seconds
    print(f"recipients {found.recipients}: {found.accepted} accepted, each an item of the table")
    print(f"refused {len(found.refused_lines)}, by line: {lines}, ...")
    print(f"expanded in {found.expand_seconds:.1f} s, {found.invocations} invocation(s) of 14 min")
    print("first export admitted after " + (f"{first:.1f} s" if first is not None else "(none)"))
    print(f"closed in {found.close_seconds:.1f} s, {found.manifest_files} files in manifest.json")
    print(f"peak memory {found.peak_mib:.0f} MiB")
    print(f"DynamoDB calls per recipient {per_recipient:.3f}: {dict(sorted(dynamodb.items()))}")
    print("right" if is_right else "WRONG")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

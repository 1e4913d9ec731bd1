"""What a run leaves behind: the downloaded files, the table, run.json."""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.deployed import Deployed
from local.deployment import WORK_DIR
from local.examples import customer_of, formats_of
from local.run.measures import Measures
from snapshot_export.domain.object_address import ObjectAddress
from snapshots.downloads import disk_name, place_of

EXPORTS_DIR = WORK_DIR / "exports"
RUN_JSON = WORK_DIR / "run.json"
_MAX_ROWS = 60
_TABLE_WIDTH = 116


def download_files(deployed: Deployed, exports: Iterable[Mapping[str, Any]]) -> int:
    """Download every file to .local/exports/<ExportId>/, replacing what was there; their number."""
    shutil.rmtree(EXPORTS_DIR, ignore_errors=True)
    EXPORTS_DIR.mkdir(parents=True)
    wanted = [
        (str(export["export_id"]), str(file["uri"]))
        for export in exports
        for file in export.get("files") or []
        if file.get("uri")
    ]
    storage = deployed.client("s3")

    def download(export_id: str, uri: str) -> None:
        place = ObjectAddress.parse(uri)
        target = file_of(export_id, uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        storage.download_file(place.bucket, place.key, str(target))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda pair: download(*pair), wanted))
    return len(wanted)


def file_of(export_id: str, uri: str) -> Path:
    """Where the file of an address is downloaded to, as `snapshots --download` would."""
    return EXPORTS_DIR.joinpath(disk_name(export_id), *place_of(uri))


def print_table(
    console: Console,
    messages: Sequence[dict[str, Any]],
    exports: Mapping[str, Mapping[str, Any]],
) -> None:
    """One row for each export, failed ones first where there are too many for a screen or two."""
    wide = Console(width=max(console.width, _TABLE_WIDTH), highlight=False, soft_wrap=True)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("export", "dashboard", "customer", "formats", "status", "waited", "job", "files"):
        table.add_column(name, justify="right" if name in ("waited", "job", "files") else "left")
    if len(messages) > _MAX_ROWS:
        messages = sorted(messages, key=lambda each: _status(exports, each) == "COMPLETED")
    for message in messages[:_MAX_ROWS]:
        export = exports.get(message["ExportId"], {})
        table.add_row(
            message["ExportId"],
            message["DashboardId"],
            customer_of(message),
            " ".join(formats_of(message)),
            _explain(export),
            _between(export, "accepted_at", "admitted_at"),
            f"{float(export['job_seconds']):.1f} s" if export.get("job_seconds") else "",
            str(sum(bool(file.get("uri")) for file in export.get("files") or [])),
        )
    wide.print(table)
    if len(messages) > _MAX_ROWS:
        console.print(f"… and {len(messages) - _MAX_ROWS} more; their files are in {EXPORTS_DIR}")


def write_run_json(measures: Measures) -> None:
    """Write the numbers to .local/run.json."""
    RUN_JSON.write_text(json.dumps(asdict(measures), indent=2) + "\n")


def _status(exports: Mapping[str, Mapping[str, Any]], message: Mapping[str, Any]) -> str:
    return str(exports.get(message["ExportId"], {}).get("status", "not accepted"))


def _explain(export: Mapping[str, Any]) -> str:
    status = str(export.get("status", "not accepted"))
    error = export.get("error")
    return f"{status}: {error['code']}" if error else status


def _between(export: Mapping[str, Any], start: str, end: str) -> str:
    if not export.get(start) or not export.get(end):
        return ""
    return f"{float(export[end]) - float(export[start]):.1f} s"

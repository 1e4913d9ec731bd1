"""The manifest.json of a burst: every file of every recipient, and who was refused.

Made from consistent reads of ids that burst and line give, 100 at a time, so it misses nothing
that an index has not seen yet, and its memory does not grow with the burst. One object per line:

    {"BurstId", "Revision", "Status", "Counts": {...}, "SameRowsForAll", "Weight",
     "Data": {"DecidedAt", "Outcome", "DataSets": [...]}, of a burst with After,
     "Zip": {"S3Uri", "Files"}, of a burst whose files are also one,
     "Warnings": [{"Code", "Resource", "Message"}],
     "Files": [{"ExportId", "RecipientId", "Line", "Revision", "Status", "FormatType", "S3Uri",
                "Size", "ETag", "Error": {"Code", "Message"}}],
     "Refused": [{"Line", "Problems": [{"Field", "Place", "Rule"}]}],
     "Reasons": [{"Code", "Count", "Message"}],
     "Empty": <how many completed without rows>}

An export without files has one entry that says why; one without rows says "Empty": true, one
whose files have a password "Protected": true. The Revision of an entry is that of the burst in
which its export ran last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

from snapshot_export.adapters.events.events import data_members
from snapshot_export.adapters.services import Services
from snapshot_export.adapters.table.burst_store import MAX_READ_AT_ONCE
from snapshot_export.domain.burst import Burst, export_id_of, line_of
from snapshot_export.domain.export import ErrorInfo, Export
from snapshot_export.domain.mail_address import masked
from snapshot_export.report.collector import ReportCollector

TOUCH_EVERY_READS = 50


def manifest_lines(services: Services, burst: Burst, collector: ReportCollector) -> Iterator[str]:
    """The manifest's text in pieces; the collector is shown each export that is read for it."""
    head: dict[str, Any] = {
        "BurstId": burst.burst_id,
        "Revision": burst.revision,
        "Status": burst.final_status.value,
        "Counts": burst.counts,
        "SameRowsForAll": burst.same_rows_for_all,
        "Weight": burst.weight,
    }
    if burst.warnings:
        head["Warnings"] = [
            {"Code": each.code, "Resource": each.resource, "Message": each.message}
            for each in burst.warnings
        ]
    if burst.zipped_files is not None:
        uri = services.manifests.zip_address(burst.burst_id)
        head["Zip"] = {"S3Uri": uri, "Files": burst.zipped_files}
    if burst.data:
        head["Data"] = data_members(burst.data)
    if burst.error:
        head["Error"] = _error(burst.error)
    yield json.dumps(head)[:-1] + ',\n"Files": ['
    yield from _items(_files(services, burst, collector.add))
    yield '],\n"Refused": ['
    yield from _items(_refused(services, burst))
    yield '],\n"Reasons": ['
    yield from _items(
        {"Code": each.code, "Count": each.count, "Message": each.message}
        for each in collector.reasons
    )
    yield f'],\n"Empty": {collector.empty}}}\n'


def _items(items: Iterable[dict[str, Any]]) -> Iterator[str]:
    separator = "\n"
    for item in items:
        yield separator + json.dumps(item)
        separator = ",\n"
    yield "\n"


def _files(
    services: Services, burst: Burst, seen: Callable[[Export], None]
) -> Iterator[dict[str, Any]]:
    starts = range(1, burst.line, MAX_READ_AT_ONCE)
    for number, start in enumerate(starts):
        if number % TOUCH_EVERY_READS == TOUCH_EVERY_READS - 1:
            services.bursts.keep_closing(burst, services.now())
        lines = range(start, min(start + MAX_READ_AT_ONCE, burst.line))
        ids = [export_id_of(burst.burst_id, line) for line in lines]
        for export in services.bursts.exports(ids):
            if export.burst_id == burst.burst_id:
                seen(export)
                yield from _files_of(export)


def _files_of(export: Export) -> Iterator[dict[str, Any]]:
    own: dict[str, Any] = {
        "ExportId": export.export_id,
        "RecipientId": export.recipient_id,
        "Line": line_of(export.export_id),
        "Revision": export.revision,
        "Status": export.status.value,
    }
    if export.is_empty:
        own["Empty"] = True
    if export.password_secret is not None:
        own["Protected"] = True
    if export.mail is not None:
        own["MailTo"] = [masked(each) for each in export.mail.to]
    for file in export.files:
        yield own | {
            "FormatType": file.format,
            "S3Uri": file.uri,
            "Size": file.size,
            "ETag": file.etag,
            "Error": _error(file.error) if file.error else None,
        }
    if not export.files:
        yield own | {"S3Uri": None, "Error": _error(export.error) if export.error else None}


def _refused(services: Services, burst: Burst) -> Iterator[dict[str, Any]]:
    for refusal in services.bursts.refusals(burst.burst_id):
        problems = [
            {"Field": each.field, "Place": each.place, "Rule": each.rule}
            for each in refusal.problems
        ]
        yield {"Line": refusal.line, "Problems": problems}


def _error(error: ErrorInfo) -> dict[str, str]:
    return {name.title(): value for name, value in asdict(error).items()}

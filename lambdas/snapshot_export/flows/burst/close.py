"""Close: a burst that is over gets its manifest and its report, is announced, and ends.

Order of writes: files.zip if it was asked for, manifest.json, report.html, then the event, then one
transaction writes the end and removes template and marker. Dying between two repeats what came
before, which leaves the same objects and an event of the same EventId: the event is delivered at
least once, and the burst ends once. Manifest and report are made from one reading of the exports,
whose records are seen to last as long as the burst's before (keep_records). Each write is
conditional on the revision that was read, in S3 on the one that the object there says: a closing
that was overtaken, by a whole retry even, ends nothing and overwrites nothing.

A burst whose counts do not add up (records read = accepted + refused) ends FAILED, whatever became
of its exports: a recipient that is nowhere would otherwise be missed by nobody.
"""

from __future__ import annotations

from dataclasses import replace

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst import Work
from snapshot_export.errors import ConditionFailedError
from snapshot_export.flows.burst.keep_records import keep_records, must_keep
from snapshot_export.flows.burst.manifest import manifest_lines
from snapshot_export.flows.burst.report import report_pieces
from snapshot_export.flows.burst.zip_files import zip_files
from snapshot_export.report.collector import ReportCollector

logger = Logger(child=True)


def close_burst(services: Services, burst_id: str) -> None:
    """Close a burst that is over; one that is not, or was closed before, stays as it is."""
    burst = services.bursts.find(burst_id)
    if burst is None or burst.work_left is not Work.CLOSE:
        return
    if must_keep(burst, services.now()):
        keep_records(services, burst_id)
    services = services.for_target(burst.target)
    if burst.error is None and (loss := burst.loss):
        burst = replace(burst, error=loss)
        logger.error("records lost", reason=loss.message, burst_id=burst_id)
    collector = ReportCollector(since=burst.retried_at)
    try:
        services.bursts.keep_closing(burst, services.now())
        burst = zip_files(services, burst)
        lines = manifest_lines(services, burst, collector)
        services.manifests.write(burst_id, burst.revision, lines)
        burst = replace(burst, reasons=collector.reasons, empty=collector.empty)
        pieces = report_pieces(services, burst, collector)
        services.manifests.write_report(burst_id, burst.revision, pieces)
    except ConditionFailedError:
        logger.info("closing stopped", reason="closed elsewhere", burst_id=burst_id)
        return
    services.events.announce_burst(
        burst,
        services.manifests.address(burst_id),
        services.manifests.report_address(burst_id),
        services.manifests.zip_address(burst_id),
    )
    now = services.now()
    ended = replace(burst, status=burst.final_status, finished_at=now)
    try:
        services.bursts.close(ended, services.settings.claim_expires_at(now))
    except ConditionFailedError:
        logger.info("closed before", reason=ended.status.value, burst_id=burst_id)
        return
    logger.info(
        "burst closed",
        reason=ended.status.value,
        burst_id=burst_id,
        completed=burst.completed,
        failed=burst.failed,
        cancelled=burst.cancelled,
        refused=burst.refused,
    )

"""The report.html of a burst: what its manifest is to a program, for people."""

from __future__ import annotations

from collections.abc import Iterator

from snapshot_export.adapters.services import Services
from snapshot_export.domain.burst import Burst
from snapshot_export.report.collector import (
    MAX_REFUSED,
    RecipientsAsked,
    RecordedForecast,
    ReportCollector,
)
from snapshot_export.report.links import console_link
from snapshot_export.report.page import render_page


def report_pieces(services: Services, burst: Burst, collector: ReportCollector) -> Iterator[str]:
    """The page in pieces, of a burst whose exports the collector was shown.

    Files are linked to the S3 console, which asks who is there, and not to signed addresses.
    """
    refusals = services.bursts.refusals(burst.burst_id, limit=MAX_REFUSED)
    report = collector.report(
        kind="Burst",
        name=burst.burst_id,
        each="recipient",
        status=burst.final_status.value,
        counts=burst.counts,
        accepted_at=burst.accepted_at,
        slots=services.settings.snapshot_job_limit,
        manifest=services.manifests.address(burst.burst_id),
        recipients=burst.manifest_uri,
        same_rows=burst.same_rows_for_all,
        error=burst.error,
        forecast=_forecast_of(burst),
        refused=refusals,
        refused_left_out=burst.refused - len(refusals),
        warnings=burst.warnings,
        revision=burst.revision,
        weight=burst.weight,
        data=burst.data,
        recipients_asked=_recipients_asked(burst),
    )
    region = services.settings.quicksight_region
    return render_page(
        report, link=lambda uri: console_link(uri, region), written_at=services.now()
    )


def _recipients_asked(burst: Burst) -> RecipientsAsked | None:
    if burst.query_id is None:
        return None
    return RecipientsAsked(
        query_id=burst.query_id,
        found=burst.found,
        expected=burst.expected,
        held=burst.hold.message if burst.hold else None,
        released_at=burst.released_at if burst.hold else None,
    )


def _forecast_of(burst: Burst) -> RecordedForecast | None:
    """None also for bursts of before forecasts were kept."""
    if burst.foretold_at is None or burst.foretold_p50 is None or burst.foretold_p95 is None:
        return None
    return RecordedForecast(at=burst.foretold_at, p50=burst.foretold_p50, p95=burst.foretold_p95)

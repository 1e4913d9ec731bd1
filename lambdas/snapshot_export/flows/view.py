"""View: where an export is, when it will probably end, and where its files are. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import Export, Status
from snapshot_export.domain.forecast import expect_end_of_running, expect_end_of_waiting
from snapshot_export.errors import UnknownIdError

DOWNLOAD_SECONDS = 900
MOST_COUNTED = 1000
"""A place is counted up to here: a Query of 1000 entries costs about 40 read units."""


@dataclass(frozen=True, kw_only=True)
class ExportView:
    """An export as its user sees it. `place` counts from 1, and is a lower bound if so marked.

    `downloads` has one address (or None) for each of the export's files.
    """

    export: Export
    place: int | None = None
    place_is_at_least: bool = False
    expected_end: float | None = None
    downloads: tuple[str | None, ...] = ()
    downloads_expire_at: float | None = None


def view(services: Services, export_id: str) -> ExportView:
    """The export's view. Raises UnknownIdError."""
    export = services.store.export(export_id)
    if export is None:
        raise UnknownIdError("export")
    if export.status is Status.QUEUED:
        return _view_waiting(services, export)
    if export.status is Status.RUNNING:
        end = expect_end_of_running(
            admitted_at=export.admitted_at or export.accepted_at,
            job_seconds=services.settings.expected_job_seconds,
            now=services.now(),
        )
        return ExportView(export=export, expected_end=end)
    expires_at = services.now() + DOWNLOAD_SECONDS
    downloads = tuple(
        services.files.download_url(file.uri, DOWNLOAD_SECONDS) if file.uri else None
        for file in export.files
    )
    return ExportView(export=export, downloads=downloads, downloads_expire_at=expires_at)


def _view_waiting(services: Services, export: Export) -> ExportView:
    """Place: the entries of the backlog before its own. A retry has none until it is due."""
    ahead = services.store.count_before(export.rank, MOST_COUNTED) if not export.due_at else 0
    is_exact = ahead < MOST_COUNTED
    gate = services.store.gate()
    end = expect_end_of_waiting(
        place=ahead + 1,
        running=gate.running,
        limit=services.settings.snapshot_job_limit if gate.limit is None else gate.limit,
        job_seconds=services.settings.expected_job_seconds,
        not_before=max(services.now(), gate.paused_until, export.due_at),
    )
    return ExportView(
        export=export,
        place=None if export.due_at else ahead + 1,
        place_is_at_least=not is_exact,
        expected_end=end if is_exact else None,
    )

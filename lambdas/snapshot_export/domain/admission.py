"""What an export that waits is in the backlog, and what it is there when a slot becomes its own."""

from __future__ import annotations

from snapshot_export.domain.backlog import BacklogEntry
from snapshot_export.domain.export import Attempt, Export, snapshot_job_id
from snapshot_export.domain.hint import expected_files
from snapshot_export.domain.parts import formats_of_part, later_parts
from snapshot_export.domain.windows import START_WINDOW_SECONDS


def entry_of(export: Export, due_at: float | None = None) -> BacklogEntry:
    """The entry of an export that waits, until `due_at` if that is given."""
    return BacklogEntry(
        export_id=export.export_id,
        dashboard_id=export.dashboard_id,
        digest=export.digest,
        nonce=export.nonce,
        rank=export.rank,
        attempt=export.attempt,
        admission=export.admission,
        due_at=due_at,
        registered="RegisteredUser" in export.snapshot,
        formats=formats_of_part(export.snapshot, export.part),
        later=later_parts(export.snapshot, export.part),
        files=expected_files(export.snapshot, export.part, export.export_id, export.nonce),
        burst_id=export.burst_id,
        deadline=export.deadline,
        at_risk=export.at_risk_at is not None,
    )


def attempt_of(entry: BacklogEntry, limit: int, now: float) -> Attempt:
    """The lease of an entry that is admitted now, under a limit of so many slots."""
    return Attempt(
        export_id=entry.export_id,
        attempt=entry.attempt,
        admission=entry.admission + 1,
        dashboard_id=entry.dashboard_id,
        snapshot_job_id=snapshot_job_id(entry.export_id, entry.attempt, entry.nonce),
        admitted_at=now,
        start_by=now + START_WINDOW_SECONDS,
        nonce=entry.nonce,
        registered=entry.registered,
        formats=entry.formats,
        later=entry.later,
        files=entry.files,
        slots=limit,
        burst_id=entry.burst_id,
        deadline=entry.deadline,
        at_risk=entry.at_risk,
    )

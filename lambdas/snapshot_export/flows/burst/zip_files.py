"""Zip: the files of a burst as one, beside its manifest.

The files are streamed through the memory of one part into an upload that becomes an object when it
is completed: so there is a whole zip or none. Each file must be the one that its export delivered,
by its ETag. What cannot be zipped is a warning: the files themselves are there. Nothing else is
written here; flows/burst/close.py says what a death leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from aws_lambda_powertools import Logger

from snapshot_export.adapters.s3.zipping import Entry, zipped
from snapshot_export.adapters.services import Services
from snapshot_export.adapters.table.burst_store import MAX_READ_AT_ONCE
from snapshot_export.domain.burst import Burst, BurstStatus, export_id_of
from snapshot_export.domain.export import ExportedFile, Status
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.domain.prefixes import EXPORTS_PREFIX
from snapshot_export.domain.security_warning import SecurityWarning
from snapshot_export.domain.zipped import ZIP_FORMAT
from snapshot_export.errors import FileChangedError

NOT_MADE = "ZIP_NOT_MADE"
MAX_FILES = 5000
MAX_BYTES = 2 * 1024**3
"""Of all files: what a function reads and writes again in some of its 15 minutes."""
TOUCH_EVERY_SECONDS = 30.0
_MADE_OF = (BurstStatus.COMPLETED, BurstStatus.COMPLETED_WITH_FAILURES)

logger = Logger(child=True)


def zip_files(services: Services, burst: Burst) -> Burst:
    """Make the zip of a burst that is over, if it asked for one; answers the burst with how many
    files it has, or with a warning why there is none.

    Raises ConditionFailedError if it is closed elsewhere, TransientError.
    """
    warnings = tuple(each for each in burst.warnings if each.code != NOT_MADE)
    burst = replace(burst, zipped_files=None, warnings=warnings)
    if not burst.zip or burst.final_status not in _MADE_OF:
        return burst
    files = _files_of(services, burst)
    if not files:
        return burst
    if len(files) > MAX_FILES or sum(file.size or 0 for file in files) > MAX_BYTES:
        text = f"more than {MAX_FILES} files, or {MAX_BYTES // 1024**2} MiB, are not made one zip"
        return _not_made(burst, text)
    try:
        services.manifests.write_zip(
            burst.burst_id, burst.revision, _zipped(services, burst, files)
        )
    except FileChangedError:
        return _not_made(burst, "a file is no longer the one that was delivered")
    logger.info("files zipped", reason="asked", burst_id=burst.burst_id, files=len(files))
    return replace(burst, zipped_files=len(files))


def _not_made(burst: Burst, text: str) -> Burst:
    logger.warning("files not zipped", reason=text, burst_id=burst.burst_id)
    message = f"There is no zip: {text}. The files themselves are there."
    warning = SecurityWarning(code=NOT_MADE, resource=f"burst/{burst.burst_id}", message=message)
    return replace(burst, warnings=(*burst.warnings, warning))


def _files_of(services: Services, burst: Burst) -> list[ExportedFile]:
    """What its completed exports delivered, up to one more than fit in a zip; their own zips, of
    the same files, are not among it."""
    found: list[ExportedFile] = []
    for start in range(1, burst.line, MAX_READ_AT_ONCE):
        lines = range(start, min(start + MAX_READ_AT_ONCE, burst.line))
        ids = [export_id_of(burst.burst_id, line) for line in lines]
        for export in services.bursts.exports(ids):
            if export.burst_id == burst.burst_id and export.status is Status.COMPLETED:
                own = (file for file in export.files if file.format != ZIP_FORMAT)
                found += (file for file in own if file.uri)
        if len(found) > MAX_FILES:
            break
    return found


def _zipped(services: Services, burst: Burst, files: list[ExportedFile]) -> Iterator[bytes]:
    return zipped(_entries(services, burst, files), burst.accepted_at)


def _entries(services: Services, burst: Burst, files: list[ExportedFile]) -> Iterator[Entry]:
    """The files in their turn; meanwhile the burst is seen to be worked on."""
    touched_at = services.now()
    for file in files:
        if services.now() - touched_at >= TOUCH_EVERY_SECONDS:
            touched_at = services.now()
            services.bursts.keep_closing(burst, touched_at)
        pieces = services.files.stream(file)
        yield Entry(name=_name_in(burst, file), format=file.format, pieces=pieces)


def _name_in(burst: Burst, file: ExportedFile) -> str:
    """The name that its recipient's file has below the burst's folder."""
    key = ObjectAddress.parse(file.uri or "").key
    return key.removeprefix(EXPORTS_PREFIX).removeprefix(f"{burst.burst_id}/")

"""Merge: the sheets of an export, made by several jobs, become one PDF.

Each sheet's PDF stays where QuickSight wrote it, in the export's own folder, until the last is
there; which object it is (its ETag) is kept with the export. Order of writes: the merged file's key
is claimed, then the whole file is written, by one upload. A step that is repeated merges the same
objects into the same file. Where a sheet is missing, or is another object than was collected, there
is no merged file: never a part of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aws_lambda_powertools import Logger

from snapshot_export.adapters.s3.transfers import TimeLimit
from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import ErrorInfo, Export, ExportedFile
from snapshot_export.domain.merge import (
    MAX_MERGED_BYTES,
    MERGE_FAILED,
    MERGE_TOO_LARGE,
    MERGED_FORMAT,
    Merge,
)
from snapshot_export.domain.password import Password
from snapshot_export.errors import MergeError, MergeTooLargeError
from snapshot_export.flows.export.file_names import claim_keys
from snapshot_export.flows.export.protect import protect_pdf

logger = Logger(child=True)


def merge_sheets(
    services: Services,
    export: Export,
    merge: Merge,
    limit: TimeLimit,
    password: Password | None = None,
) -> ExportedFile:
    """The merged file of an export that holds all of its sheets, or why there is none.

    With a `password` the file opens with it only. Raises TransientError, TransferTooSlowError.
    """
    from snapshot_export.adapters.s3.merging import merge_pdfs

    size = sum(file.size or 0 for file in export.held)
    if size > MAX_MERGED_BYTES:
        text = f"the sheets are {size:,} bytes, more than the {MAX_MERGED_BYTES:,} of one file"
        return _failed(ErrorInfo(MERGE_TOO_LARGE, text))
    if len(export.held) != len(merge.titles):
        text = f"{len(export.held)} of {len(merge.titles)} sheets are there"
        return _failed(ErrorInfo(MERGE_FAILED, text))
    try:
        data = merge_pdfs(_sheets(services, export, merge, limit))
    except MergeTooLargeError as error:
        return _failed(ErrorInfo(MERGE_TOO_LARGE, str(error)))
    except MergeError as error:
        return _failed(ErrorInfo(MERGE_FAILED, str(error)))
    (key,) = claim_keys(services, export, [merge.first])
    if password is None:
        file = services.files.write(MERGED_FORMAT, key, data, limit)
    else:
        file = protect_pdf(services, export, key, lambda: data, password, limit, size=len(data))
    logger.info(
        "sheets merged",
        reason="all are there",
        export_id=export.export_id,
        sheets=sum(map(len, merge.bookmarks)),
        bytes=len(data),
    )
    return file


def _sheets(
    services: Services, export: Export, merge: Merge, limit: TimeLimit
) -> Iterator[tuple[Sequence[str], bytes]]:
    """Each PDF with the titles of its sheets, read when its turn comes."""
    for titles, file in zip(merge.bookmarks, export.held, strict=True):
        limit.check()
        data = services.files.read(file)
        if data is None:
            raise MergeError(", ".join(titles))
        yield titles, data


def _failed(error: ErrorInfo) -> ExportedFile:
    return ExportedFile(format=MERGED_FORMAT, error=error)

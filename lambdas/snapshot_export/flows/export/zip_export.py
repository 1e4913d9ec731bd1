"""Zip: the files of an export as one, besides the files themselves.

It is made in the step that brings the last of them to its place, and is a file of the export like
the others. Order of writes: its key is claimed, then it is written, by one upload that becomes an
object when it is completed: a whole zip or none. Each file must be the one that this step, or the
one of a part before, brought to its place, by its ETag. A step that is repeated makes the same zip
of the same files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aws_lambda_powertools import Logger

from snapshot_export.adapters.s3.transfers import TimeLimit
from snapshot_export.adapters.s3.zipping import Entry, zipped
from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import ErrorInfo, Export, ExportedFile
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.domain.zipped import MAX_ZIPPED_BYTES, ZIP_FAILED, ZIP_FORMAT, ZIP_TOO_LARGE
from snapshot_export.errors import FileChangedError
from snapshot_export.flows.export.file_names import claim_zip, name_fields

logger = Logger(child=True)


def zip_export(
    services: Services, export: Export, files: Sequence[ExportedFile], limit: TimeLimit
) -> ExportedFile:
    """The zip of all files of an export, or why there is none.

    Raises TransientError, TransferTooSlowError.
    """
    size = sum(file.size or 0 for file in files)
    if size > MAX_ZIPPED_BYTES:
        text = f"the files are {size:,} bytes, more than the {MAX_ZIPPED_BYTES:,} of one zip"
        return _failed(ErrorInfo(ZIP_TOO_LARGE, text))
    key = claim_zip(services, export)
    pieces = zipped(_entries(services, export, files, limit), export.accepted_at)
    try:
        file = services.files.write_pieces(ZIP_FORMAT, key, pieces, limit)
    except FileChangedError:
        text = "a file is no longer the one that was brought to its place"
        return _failed(ErrorInfo(ZIP_FAILED, text))
    logger.info("files zipped", reason="asked", export_id=export.export_id, files=len(files))
    return file


def _entries(
    services: Services, export: Export, files: Sequence[ExportedFile], limit: TimeLimit
) -> Iterator[Entry]:
    folder = name_fields(export).prefix
    for file in files:
        limit.check()
        name = ObjectAddress.parse(file.uri or "").key.removeprefix(folder)
        yield Entry(name=name, format=file.format, pieces=services.files.stream(file))


def _failed(error: ErrorInfo) -> ExportedFile:
    return ExportedFile(format=ZIP_FORMAT, error=error)

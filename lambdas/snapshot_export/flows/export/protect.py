"""Protect: files of an export go to their places with a password, and never without.

Where QuickSight wrote them they have none, in the export's own folder, which nobody is given.
Order of writes: the file's key is claimed, then the encrypted file is written, by one upload that
becomes an object when it is completed. Encrypting the same file twice gives two different ones, so
who comes first wins: the object carries a mark of the attempt that made it, a step that is repeated
takes it as it is, and of two steps at once one finds the other's write and is tried again. What was
announced with an ETag stays so. The folder is emptied once the end is written (`forget_plain`), and
again by each repetition of the step; where that was not possible, the bucket's lifecycle rule does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from aws_lambda_powertools import Logger

from snapshot_export.adapters.s3.transfers import TimeLimit
from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import ErrorInfo, Export, ExportedFile
from snapshot_export.domain.formats import Format
from snapshot_export.domain.json_text import digest_of
from snapshot_export.domain.naming import raw_folder_of
from snapshot_export.domain.object_address import ObjectAddress, is_object_address
from snapshot_export.domain.password import (
    MAX_PROTECTED_PDF_BYTES,
    PASSWORD_UNAVAILABLE,
    PROTECT_FAILED,
    PROTECT_TOO_LARGE,
    Password,
    PasswordError,
)
from snapshot_export.errors import FileChangedError, ProtectError

logger = Logger(child=True)


def password_of(services: Services, export: Export) -> Password | ErrorInfo | None:
    """The password of the export's files, or why it is not known; None: they have none.

    Raises TransientError.
    """
    if export.password_secret is None:
        return None
    try:
        return services.passwords.read(export.password_secret)
    except PasswordError as error:
        return ErrorInfo(PASSWORD_UNAVAILABLE, f"the password of the files: {error}")


def protect_file(
    services: Services,
    export: Export,
    source: tuple[str, str],
    key: str,
    password: Password,
    limit: TimeLimit,
) -> ExportedFile:
    """Bring a file of QuickSight's, its address and format, to its place, with a password.

    Raises TransientError, TransferTooSlowError.
    """
    uri, kind = source
    bucket = services.settings.export_bucket
    if not is_object_address(uri) or ObjectAddress.parse(uri).bucket != bucket:
        return _failed(kind, PROTECT_FAILED, "QuickSight left it outside the export's folder")
    raw = services.files.look(uri, kind)
    if raw.error is not None:
        return raw
    if kind == Format.PDF:
        return protect_pdf(
            services, export, key, lambda: _read(services, raw), password, limit, size=raw.size or 0
        )
    from snapshot_export.adapters.s3.protecting import protected_zip

    name = _name_within(key, kind)
    pieces = protected_zip(name, services.files.stream(raw), export.accepted_at, password)
    return _write(services, export, kind, key, pieces, limit)


def protect_pdf(
    services: Services,
    export: Export,
    key: str,
    read: Callable[[], bytes],
    password: Password,
    limit: TimeLimit,
    *,
    size: int,
) -> ExportedFile:
    """Write a PDF of `size` bytes to its place, with a password; raises as protect_file does."""
    if size > MAX_PROTECTED_PDF_BYTES:
        text = f"it is {size:,} bytes, and with a password at most {MAX_PROTECTED_PDF_BYTES:,}"
        return _failed(Format.PDF, PROTECT_TOO_LARGE, text)

    def pieces() -> Iterator[bytes]:
        from snapshot_export.adapters.s3.protecting import protected_pdf

        yield protected_pdf(read(), password)

    return _write(services, export, Format.PDF, key, pieces(), limit)


def forget_plain(services: Services, export_id: str) -> None:
    """Delete what QuickSight wrote for an export that has ended and whose files have a password.

    Repeating it does no harm. Raises TransientError.
    """
    if services.settings.password_prefix is None:
        return
    export = services.store.export(export_id)
    if export is None or export.password_secret is None or not export.status.is_end:
        return
    bucket = services.settings.export_bucket
    services.files.discard(raw_folder_of(export.snapshot, export_id, bucket), ())


def _read(services: Services, raw: ExportedFile) -> bytes:
    data = services.files.read(raw)
    if data is None:
        raise FileChangedError("S3: gone or another")
    return data


def _write(
    services: Services,
    export: Export,
    kind: str,
    key: str,
    pieces: Iterable[bytes],
    limit: TimeLimit,
) -> ExportedFile:
    mark = digest_of([export.export_id, export.nonce, export.attempt])
    try:
        file = services.files.write_pieces(kind, key, pieces, limit, mark=mark)
    except ProtectError as error:
        return _failed(kind, PROTECT_FAILED, str(error))
    except FileChangedError as error:
        return _failed(kind, "FILE_UNREADABLE", str(error))
    logger.info("file protected", reason="asked", export_id=export.export_id)
    return file


def _name_within(key: str, kind: str) -> str:
    """What a file is called in its zip: as the zip, whose key may hold an id before its suffix."""
    name = key.rpartition("/")[2].removesuffix(".zip")
    suffix = Format(kind).suffix
    return name if name.endswith(suffix) else name + suffix


def _failed(kind: str, code: str, text: str) -> ExportedFile:
    return ExportedFile(format=kind, error=ErrorInfo(code, text))

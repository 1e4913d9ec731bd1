"""Files that open with a password: PDFs by PDF 2.0's AES-256, others in a zip by WinZip's AES-256.

The one place that imports stream-zip, and pypdf's encryption: few exports have a password. Both
bring compiled code to Lambda [? crypto-wheels]. Salts are drawn anew each time, so the same file
becomes another one.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from stat import S_IFREG

from pypdf import PdfReader, PdfWriter
from stream_zip import ZIP_32, ZipError, stream_zip

from snapshot_export.adapters.s3.merging import BROKEN
from snapshot_export.domain.password import Password
from snapshot_export.errors import ProtectError

_MODE = S_IFREG | 0o600


def protected_pdf(data: bytes, password: Password) -> bytes:
    """The PDF with a password to open it, in memory. Raises ProtectError for one that is none."""
    protected = io.BytesIO()
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted or not reader.pages:
            raise ProtectError("the PDF cannot be read")
        writer = PdfWriter(clone_from=reader)
        writer.encrypt(password.text, algorithm="AES-256")
        writer.write(protected)
    except BROKEN:
        raise ProtectError("the PDF cannot be read") from None
    return protected.getvalue()


def protected_zip(
    name: str, pieces: Iterable[bytes], made_at: float, password: Password
) -> Iterable[bytes]:
    """A zip of one file, piece by piece; the file has the time `made_at`, epoch seconds.

    Raises what the pieces do, and ProtectError for a file of more than 4 GiB.
    """
    entry = (name, datetime.fromtimestamp(made_at, UTC), _MODE, ZIP_32, pieces)
    try:
        yield from stream_zip([entry], password=password.text)
    except ZipError:
        raise ProtectError("the file is too large for a zip") from None

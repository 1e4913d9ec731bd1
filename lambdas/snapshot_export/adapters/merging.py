"""PDFs become one, with a bookmark for each. Imported where it is needed: few exports merge.

All is in memory: how much that may be is bounded by domain/merge.py. What lies in a page is copied
as it is, and nothing of it is unpacked.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError

from snapshot_export.domain.merge import MAX_MERGED_PAGES
from snapshot_export.errors import MergeError, MergeTooLargeError

BROKEN = (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
"""What pypdf raises on the way through a file that is none."""


def merge_pdfs(sheets: Iterable[tuple[str, bytes]]) -> bytes:
    """The pages of all sheets, given by title and PDF, in their order; a bookmark leads to each.

    The same PDFs make the same file. Raises MergeError for one that cannot be read or has no page,
    and MergeTooLargeError.
    """
    writer = PdfWriter()
    for title, data in sheets:
        try:
            reader = PdfReader(io.BytesIO(data))
            count = len(reader.pages)
            if reader.is_encrypted or not count:
                raise MergeError(title)
            if len(writer.pages) + count > MAX_MERGED_PAGES:
                raise MergeTooLargeError(f"more than {MAX_MERGED_PAGES} pages")
            writer.append(reader, outline_item=title, import_outline=False)
        except BROKEN:
            raise MergeError(title) from None
    merged = io.BytesIO()
    writer.write(merged)
    return merged.getvalue()

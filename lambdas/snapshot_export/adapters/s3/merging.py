"""PDFs become one, with bookmarks. Imported where it is needed: few exports merge.

All is in memory: how much that may be is bounded by domain/merge.py. What lies in a page is copied
as it is, and nothing of it is unpacked.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError

from snapshot_export.domain.merge import MAX_MERGED_PAGES
from snapshot_export.errors import MergeError, MergeTooLargeError

BROKEN = (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
"""What pypdf raises on the way through a file that is none."""


def merge_pdfs(files: Iterable[tuple[Sequence[str], bytes]]) -> bytes:
    """The pages of all files, each given by the titles of its sheets and its PDF, in their order.

    A bookmark leads to each sheet; where a file of several has more or fewer pages than sheets,
    nobody knows where each begins, and one bookmark of all their titles leads to the file.

    The same PDFs make the same file. Raises MergeError for one that cannot be read or has no page,
    and MergeTooLargeError.
    """
    writer = PdfWriter()
    for titles, data in files:
        title = ", ".join(titles)
        try:
            reader = PdfReader(io.BytesIO(data))
            count = len(reader.pages)
            if reader.is_encrypted or not count:
                raise MergeError(title)
            if len(writer.pages) + count > MAX_MERGED_PAGES:
                raise MergeTooLargeError(f"more than {MAX_MERGED_PAGES} pages")
            start = len(writer.pages)
            writer.append(reader, import_outline=False)
            for page, each in enumerate(titles if len(titles) == count else [title], start):
                writer.add_outline_item(title=each, page_number=page)
        except BROKEN:
            raise MergeError(title) from None
    merged = io.BytesIO()
    writer.write(merged)
    return merged.getvalue()

"""The files of an export as one zip, besides the files themselves."""

from __future__ import annotations

ZIP_FORMAT = "ZIP"
"""FormatType of the zip among an export's files; QuickSight itself makes none."""
MAX_ZIPPED_BYTES = 512 * 1024 * 1024
"""Of all its files: what a function reads and writes again in some of the minutes that one
invocation may bring files to their places."""
ZIP_TOO_LARGE = "ZIP_TOO_LARGE"
ZIP_FAILED = "ZIP_FAILED"

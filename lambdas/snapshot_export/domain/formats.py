"""The formats of files, and how many of each one snapshot job makes."""

from __future__ import annotations

from enum import StrEnum

MAX_FILE_GROUPS = 50
"""Ours: QuickSight takes 7 in a job; a request with more is done in parts (domain/parts.py)."""
MAX_FILES_PER_JOB = {"PDF": 1, "EXCEL": 1, "CSV": 5}


class Format(StrEnum):
    """SnapshotFileFormatType, with the suffix that QuickSight gives the file."""

    CSV = "CSV"
    PDF = "PDF"
    EXCEL = "EXCEL"

    @property
    def suffix(self) -> str:
        """File name suffix, with the dot."""
        return {"CSV": ".csv", "PDF": ".pdf", "EXCEL": ".xlsx"}[self.value]


def kind_of(file_format: str, sheets: int) -> str:
    """What a file is to a job: its format; of a PDF with several sheets, how many, since it takes
    longer."""
    has_several = file_format == "PDF" and sheets > 1
    return f"{file_format} of {sheets} sheets" if has_several else file_format

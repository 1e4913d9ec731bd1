"""Judge: does an export have anything to say, before any file of it is delivered? Reads only.

What decides is made by the first job: its files lie where QuickSight wrote them, in the export's
own folder. A step that is repeated judges the same objects.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.emptiness import (
    MAX_WORKBOOK_BYTES,
    ROWS_UNREADABLE,
    EmptyRule,
    UnreadableRowsError,
    csv_has_rows,
    workbook_has_rows,
)
from snapshot_export.domain.export import ErrorInfo, Export
from snapshot_export.domain.parts import formats_of
from snapshot_export.domain.results import FileOutcome

logger = Logger(child=True)


def is_empty(
    services: Services, export: Export, rule: EmptyRule, outcomes: Mapping[int, FileOutcome]
) -> bool | ErrorInfo:
    """Whether none of the files that decide has a row, or why that is not known.

    Raises TransientError.
    """
    formats = formats_of(export.snapshot)
    for position in rule.judged(formats):
        outcome = outcomes[position]
        if outcome.error is not None or outcome.uri is None:
            return outcome.error or ErrorInfo(ROWS_UNREADABLE, "no file")
        try:
            if _has_rows(services, outcome.uri, formats[position]):
                return False
        except UnreadableRowsError as error:
            what = "the probe" if rule.probe == position else f"file {position}"
            text = f"{what} ({formats[position]}): whether it has rows is not known: {error}"
            return ErrorInfo(ROWS_UNREADABLE, text)
    logger.info("nothing to say", reason=rule.action, export_id=export.export_id)
    return True


def _has_rows(services: Services, uri: str, kind: str) -> bool:
    if kind == "CSV":
        data, size = services.files.head(uri)
        return csv_has_rows(data, is_whole=len(data) >= size)
    data, size = services.files.head(uri, MAX_WORKBOOK_BYTES)
    return len(data) < size or workbook_has_rows(io.BytesIO(data))

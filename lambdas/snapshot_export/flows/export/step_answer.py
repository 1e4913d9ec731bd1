"""What a step of the state machine answers."""

from __future__ import annotations

from typing import Any

from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import Attempt, Phase, Status

Answer = dict[str, Any]


def answer(
    export_id: str, attempt: int, phase: Phase, *, wait: float = 0, code: str | None = None
) -> Answer:
    """The document that RouteSnapshot reads; docs/architecture.md has its table."""
    document: Answer = {
        "ExportId": export_id,
        "Attempt": attempt,
        "Phase": phase.value,
        "WaitSeconds": wait,
    }
    return document | {"ErrorCode": code} if code else document


def is_current(record: Attempt | None, attempt: int, admission: int) -> bool:
    """Whether the record is of the admission that this execution watches."""
    return record is not None and (record.attempt, record.admission) == (attempt, admission)


def answer_without_attempt(services: Services, export_id: str, attempt: int) -> Answer:
    """The answer of an execution whose admission is over: the export ended or waits again."""
    export = services.store.export(export_id)
    if export and export.status is Status.FAILED and export.attempt == attempt:
        code = export.error.code if export.error else "UNKNOWN"
        return answer(export_id, attempt, Phase.FAILED, code=code)
    return answer(export_id, attempt, Phase.DONE)

"""What the three functions of the state machine share: ids in, one flow, its answer out.

An error that is not transient leaves as PermanentError, which the state machine does not retry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from snapshot_export.adapters.measuring import metrics
from snapshot_export.adapters.services import services_from_env
from snapshot_export.domain.target import DEFAULT_TARGET
from snapshot_export.errors import PermanentError, SnapshotExportError
from snapshot_export.flows.export.step_answer import Answer
from snapshot_export.handlers.boundary import Handler, guarded, logger

Flow = Callable[..., Answer]
"""Takes Services, and an export's id, attempt and admission."""


def step_handler(flow: Flow) -> Handler:
    """A handler for `{"ExportId": str, "Attempt": int, "Admission": int}`.

    `"Target": str` is beside them unless it is the default, as in executions of old; `"JobResult"`
    for collect where it is known.
    """

    @metrics.log_metrics
    @guarded
    def handler(event: dict[str, Any], _context: object) -> Answer:
        export_id, attempt = event["ExportId"], event["Attempt"]
        target = event.get("Target", DEFAULT_TARGET)
        logger.append_keys(export_id=export_id, attempt=attempt, target=target)
        try:
            services = services_from_env().for_target(target)
            known = {"result": event["JobResult"]} if "JobResult" in event else {}
            return flow(services, export_id, attempt, event["Admission"], **known)
        except SnapshotExportError as error:
            if error.is_transient:
                raise
            raise PermanentError(f"{type(error).__name__}: {error}") from None

    return handler

"""Hand over: a slot that came free goes to the next export, and its job is started at once.

The function that saw the end starts the next job itself: an execution on its way to its first step
would leave the slot empty for longer. Order of writes: admit's transaction, the job, `started_at`,
the execution. A function that dies after the first leaves a lease without an execution, and the
reconciler starts one, whose start finds the job and adopts it. Of several admitted only the first
is started here: the others' executions start beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import Attempt
from snapshot_export.errors import SnapshotExportError
from snapshot_export.flows.export.admit import admit, start_executions
from snapshot_export.flows.export.check import Ask, ask_for_status, check
from snapshot_export.flows.export.start import start_admitted
from snapshot_export.flows.export.step_answer import Answer

logger = Logger(child=True)


def check_and_hand_over(
    services: Services, export_id: str, attempt: int, admission: int, ask: Ask = ask_for_status
) -> Answer:
    """Check once; a slot that it freed is handed over."""
    return check(services, export_id, attempt, admission, fill=hand_over, ask=ask)


def hand_over(services: Services) -> int:
    """Admit, and start the first job. Answers how many exports were admitted."""
    return admit(services, begin=_begin)


def _begin(services: Services, attempts: Sequence[Attempt]) -> None:
    start_executions(services, attempts[1:])
    try:
        start_admitted(services, attempts[0])
    except SnapshotExportError as error:
        reason = f"{type(error).__name__}: left to its execution"
        logger.warning("not started here", reason=reason, export_id=attempts[0].export_id)
    start_executions(services, attempts[:1])

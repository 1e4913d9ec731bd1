"""Poll: check a snapshot job closely where its end is likely, within one invocation.

A pass through the state machine's wait costs three transitions and whole seconds; waiting here
costs the function's time, which is cheaper up to about LONGEST_PAUSE_SECONDS (512 MB against
Standard transitions, list prices of us-east-1). Each check stands for itself, so a function that
dies between two is run again and goes on.
"""

from __future__ import annotations

from snapshot_export.adapters.services import Services
from snapshot_export.domain.export import Phase
from snapshot_export.domain.polling import whole_seconds
from snapshot_export.flows.export.hand_over import check_and_hand_over
from snapshot_export.flows.export.step_answer import Answer

LONGEST_PAUSE_SECONDS = 10.0
POLL_SECONDS = 50.0
"""How long one invocation goes on. The function's timeout leaves a last check twice its time."""


def poll(services: Services, export_id: str, attempt: int, admission: int) -> Answer:
    """Check until the job ended, or the next check is far away; then WaitSeconds is whole."""
    stop_at = services.now() + POLL_SECONDS
    while True:
        answer = check_and_hand_over(services, export_id, attempt, admission)
        wait = answer["WaitSeconds"]
        if (
            answer["Phase"] != Phase.RUNNING
            or wait > LONGEST_PAUSE_SECONDS
            or services.now() + wait > stop_at
        ):
            return answer | {"WaitSeconds": whole_seconds(wait) if wait else 0}
        services.sleep(wait)

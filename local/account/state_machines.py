"""Mend of ministack's Step Functions interpreter (`ministack/services/stepfunctions.py`)."""

from typing import Any

from local.account.patching import require_source


def evaluate_succeed_output(stepfunctions: Any) -> None:
    """Evaluate the `Output` of a JSONata Succeed state.

    Upstream treats every Succeed state as JSONPath, so the execution's output is the state's
    input. On AWS a JSONata Succeed state's `Output` becomes the output of the execution.
    """
    upstream = stepfunctions._apply_output_path
    require_source("_apply_output_path", upstream, "e9cfd00672448961")

    def apply_output_path(state: dict[str, Any], data: Any, ctx: Any = None) -> Any:
        jsonata = stepfunctions._state_query_language(state, ctx) == "JSONata"
        if state.get("Type") == "Succeed" and jsonata:
            return stepfunctions._apply_jsonata_output(state, data, ctx, default=data)
        return upstream(state, data, ctx)

    stepfunctions._apply_output_path = apply_output_path

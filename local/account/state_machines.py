"""Mends of ministack's Step Functions interpreter (`ministack/services/stepfunctions.py`)."""

import json
from typing import Any

from botocore.exceptions import ClientError

from local.account.clients import make_client
from local.account.patching import require_source

_QUICKSIGHT = "arn:aws:states:::aws-sdk:quicksight:"


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


def call_quicksight(stepfunctions: Any, url: str) -> None:
    """Let `aws-sdk:quicksight:<operation>` tasks call the service at `url`.

    Upstream has no QuickSight. On AWS the errors of SDK integrations are named after service and
    exception, such as `QuickSight.ThrottlingException`.
    """
    upstream = stepfunctions._invoke_aws_sdk_integration
    require_source("_invoke_aws_sdk_integration", upstream, "59a970e1a7c06cbe")
    client = make_client("quicksight", url, attempts=1)
    names = client.meta.method_to_api_mapping.items()
    methods = {operation[0].lower() + operation[1:]: method for method, operation in names}

    def invoke(resource: str, arguments: dict[str, Any]) -> Any:
        if not resource.startswith(_QUICKSIGHT):
            return upstream(resource, arguments)
        try:
            answer = getattr(client, methods[resource.removeprefix(_QUICKSIGHT)])(**arguments)
        except ClientError as error:
            told = error.response["Error"]
            raise stepfunctions._ExecutionError(
                f"QuickSight.{told['Code']}", told.get("Message", "")
            ) from None
        answer.pop("ResponseMetadata", None)
        return json.loads(json.dumps(answer, default=str))

    stepfunctions._invoke_aws_sdk_integration = invoke

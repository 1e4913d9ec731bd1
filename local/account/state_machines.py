"""Patches of ministack's Step Functions interpreter (`ministack/services/stepfunctions.py`)."""

import contextvars
import json
import threading
from typing import Any

from botocore.exceptions import ClientError

from local.account.clients import make_client
from local.account.patching import require_source, rewritten

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


_TAKEN = "    if exec_arn in _executions:\n"
_REPEATED = """    known = _executions.get(exec_arn) or {}
    if (known.get("status"), known.get("input")) == ("RUNNING", data.get("input", "{}")):
        return json_response({"executionArn": exec_arn, "startDate": known["startDate"]})
"""


def repeat_a_start(stepfunctions: Any) -> None:
    """Answer a repeated StartExecution as the first, as long as its execution runs.

    Upstream refuses it. On AWS a call with name and input of an execution that runs succeeds;
    ExecutionAlreadyExists means other input, or that the execution has ended.
    """
    require_source("_start_execution", stepfunctions._start_execution, "9923282fc76c57b9")
    stepfunctions._start_execution = rewritten(
        stepfunctions._start_execution, {_TAKEN: _REPEATED + _TAKEN}
    )


def name_throttles(stepfunctions: Any) -> None:
    """Report an invocation over the account's concurrency by the name that AWS gives it.

    Upstream reports it as `Lambda.Unknown`, which no Retry for throttles takes. Source: Step
    Functions' user guide, "Handle transient Lambda service exceptions".
    """
    upstream = stepfunctions._call_lambda
    require_source("_call_lambda", upstream, "25830369b12636da")
    stepfunctions._call_lambda = rewritten(upstream, {_UNNAMED: _NAMED})


_UNNAMED = """\
                body.get("errorType", "Lambda.Unknown"),
"""
_NAMED = """\
                "Lambda.TooManyRequestsException" if result.get("throttle")
                else body.get("errorType", "Lambda.Unknown"),
"""


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
            reason = error.response["Error"]
            raise stepfunctions._ExecutionError(
                f"QuickSight.{reason['Code']}", reason.get("Message", "")
            ) from None
        answer.pop("ResponseMetadata", None)
        return json.loads(json.dumps(answer, default=str))

    stepfunctions._invoke_aws_sdk_integration = invoke


def end_at_timeout(stepfunctions: Any) -> None:
    """End an execution as TIMED_OUT after its machine's `TimeoutSeconds`, and keep every end.

    Upstream ignores the machine's timeout, and a task that fails in an execution that was stopped
    turns ABORTED into FAILED. On AWS an end is final. As upstream's tasks, one that is under way
    goes on: on AWS too a Lambda function that was invoked is not stopped.
    """
    run, fail = stepfunctions._run_execution, stepfunctions._fail_execution
    require_source("_run_execution", run, "996dff84e0e0605a")
    require_source("_fail_execution", fail, "e6da895fa0b74cdd")

    def time_out(execution: dict[str, Any]) -> None:
        if execution["status"] == "RUNNING":
            execution["status"] = "TIMED_OUT"
            execution["stopDate"] = stepfunctions.now_iso()
            stepfunctions._add_event(
                execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}}
            )
            stepfunctions._emit_execution_status_event(execution)

    def run_execution(arn: str) -> None:
        execution = stepfunctions._executions.get(arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn"))
        seconds = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
        if not seconds:
            run(arn)
            return
        context = contextvars.copy_context()
        timer = threading.Timer(seconds, context.run, args=(time_out, execution))
        timer.daemon = True
        timer.start()
        try:
            run(arn)
        finally:
            timer.cancel()

    def fail_execution(execution: dict[str, Any], error: Any, cause: Any) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    stepfunctions._run_execution = run_execution
    stepfunctions._fail_execution = fail_execution

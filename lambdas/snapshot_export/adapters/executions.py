"""Step Functions: one execution for each admission of an export."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from snapshot_export.adapters.aws_errors import code_of, transient
from snapshot_export.domain.export import Attempt
from snapshot_export.domain.target import DEFAULT_TARGET

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class Executions:
    """Executions of the export state machine. Their input is ids only."""

    def __init__(self, client: SFNClient, state_machine_arn: str) -> None:
        self._client = client
        self._machine = state_machine_arn

    def start(self, attempt: Attempt, target: str) -> None:
        """Start the execution that watches this admission; one that runs already is enough.

        Raises TransientError. StartExecution answers a repeated call as it answered the first as
        long as the execution runs; ExecutionAlreadyExists means that it has ended, since name and
        input are always the same (API reference of Step Functions). Then nobody watches this
        admission any more, and the reconciler starts another execution.
        """
        with transient("StartExecution"):
            self._client.start_execution(
                stateMachineArn=self._machine,
                name=attempt.execution_name,
                input=json.dumps(input_of(attempt, target)),
            )

    def running_names(self) -> set[str]:
        """Names of the running executions; eventually consistent."""
        with transient("ListExecutions"):
            pages = self._client.get_paginator("list_executions").paginate(
                stateMachineArn=self._machine, statusFilter="RUNNING"
            )
            return {execution["name"] for page in pages for execution in page["executions"]}

    def is_running(self, name: str) -> bool:
        """Whether the execution of this name runs; False if there is none."""
        arn = self._machine.replace(":stateMachine:", ":execution:") + f":{name}"
        with transient("DescribeExecution"):
            try:
                return self._client.describe_execution(executionArn=arn)["status"] == "RUNNING"
            except ClientError as error:
                if code_of(error) != "ExecutionDoesNotExist":
                    raise
                return False


def input_of(attempt: Attempt, target: str) -> dict[str, Any]:
    """Ids only. The default target is not named: an execution of the same name and input, begun
    before there were targets, is the same."""
    ids: dict[str, Any] = {
        "ExportId": attempt.export_id,
        "Attempt": attempt.attempt,
        "Admission": attempt.admission,
    }
    return ids if target == DEFAULT_TARGET else ids | {"Target": target}

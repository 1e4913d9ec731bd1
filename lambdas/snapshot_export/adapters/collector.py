"""Lambda: the collect function, called without waiting for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from snapshot_export.adapters.aws_errors import transient
from snapshot_export.adapters.executions import input_of
from snapshot_export.domain.export import Attempt

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def payload_of(attempt: Attempt, target: str, result: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the collect function gets."""
    ids = input_of(attempt, target)
    return ids if result is None else ids | {"JobResult": result}


class Collector:
    """Has files collected at once; `function_arn` is None in functions that never ask for it."""

    def __init__(self, session: boto3.Session, config: Config, function_arn: str | None) -> None:
        self._session = session
        self._config = config
        self._function_arn = function_arn

    @cached_property
    def _client(self) -> LambdaClient:
        return self._session.client("lambda", config=self._config)

    def collect(self, attempt: Attempt, target: str, result: Mapping[str, Any] | None) -> None:
        """Call the collect function as the attempt's execution would, with the job's `result`
        (RESULT_MEMBERS of quicksight.py) if it is known. Raises TransientError."""
        if self._function_arn is None:
            return
        with transient("Invoke"):
            self._client.invoke(
                FunctionName=self._function_arn,
                InvocationType="Event",
                Payload=json.dumps(payload_of(attempt, target, result)),
            )

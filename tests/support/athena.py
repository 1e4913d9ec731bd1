"""moto's Athena, with what it lacks: a token is one query, and a result lies in S3.

moto knows neither ClientRequestToken nor how a query goes; what `Queries` is set to comes of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest.mock import patch

import boto3
from moto.athena.responses import AthenaResponse
from moto.core.exceptions import JsonRESTError

BUCKET = "query-results"
HEADER = '"RecipientId","tag:customer_id"'


def rows(*numbers: int) -> str:
    """What Athena writes of recipients who see the rows of these customers."""
    lines = [f'"r-{number}","cust-{number:04d}"' for number in numbers]
    return "".join(f"{line}\n" for line in (HEADER, *lines))


@cache
def _s3_client() -> Any:
    return boto3.client("s3", region_name="us-east-1")


@dataclass
class Queries:
    """What queries find: `result`, after being looked at `polls` times, or their end `state`.

    `started` holds the calls that began a query; one with a token that was used is none.
    """

    result: str = field(default_factory=lambda: rows(1, 2, 3))
    polls: int = 1
    state: str = "SUCCEEDED"
    refusal: str | None = None
    suffix: str = "csv"
    started: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    _s3: Any = field(default_factory=_s3_client)
    _ids: dict[str, str] = field(default_factory=dict)
    _looks: dict[str, int] = field(default_factory=dict)

    def start(self, call: dict[str, Any]) -> dict[str, Any]:
        """StartQueryExecution."""
        if self.refusal:
            raise JsonRESTError(self.refusal, f"line 1:8: {call['QueryString']}")
        token = call["ClientRequestToken"]
        assert 32 <= len(token) <= 128
        if token not in self._ids:
            self._ids[token] = f"query-{len(self._ids) + 1}"
            self.started.append(call)
        return {"QueryExecutionId": self._ids[token]}

    def look(self, query_id: str) -> dict[str, Any]:
        """GetQueryExecution."""
        looks = self._looks[query_id] = self._looks.get(query_id, 0) + 1
        state = "RUNNING" if looks <= self.polls else self.state
        status: dict[str, Any] = {"State": state}
        if state == "FAILED":
            status["StateChangeReason"] = "line 1:8: Column 'secret-customer' cannot be resolved"
            status["AthenaError"] = {"ErrorCategory": 2, "ErrorType": 1006}
        place = f"s3://{BUCKET}/{query_id}.{self.suffix}"
        if state == "SUCCEEDED":
            self._s3.put_object(
                Bucket=BUCKET, Key=f"{query_id}.{self.suffix}", Body=self.result.encode()
            )
        execution = {
            "QueryExecutionId": query_id,
            "ResultConfiguration": {"OutputLocation": place},
            "Status": status,
        }
        return {"QueryExecution": execution}


@contextmanager
def athena() -> Iterator[Queries]:
    """Queries of this test; to be entered within moto."""
    queries = Queries()
    queries._s3.create_bucket(Bucket=BUCKET)

    def start(self: AthenaResponse) -> str:
        return json.dumps(queries.start(json.loads(self.body)))

    def look(self: AthenaResponse) -> str:
        return json.dumps(queries.look(self._get_param("QueryExecutionId")))

    def stop(self: AthenaResponse) -> str:
        queries.stopped.append(self._get_param("QueryExecutionId"))
        return "{}"

    with (
        patch.object(AthenaResponse, "start_query_execution", start),
        patch.object(AthenaResponse, "get_query_execution", look),
        patch.object(AthenaResponse, "stop_query_execution", stop),
    ):
        yield queries

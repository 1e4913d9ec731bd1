"""Athena: a query for recipients, and its result in S3, with the credentials of the deployment's
role for that.

A query's text, and Athena's words about it, can hold customers' values: errors carry codes and the
query's id only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from snapshot_export.adapters.aws_errors import AWS_ERRORS, code_of
from snapshot_export.adapters.quicksight.assumed_roles import (
    KEPT_SECONDS,
    SESSION_SECONDS,
    session_as,
)
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.domain.recipient_query import MAX_RESULT_BYTES
from snapshot_export.errors import ManifestError, TransientError

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_s3 import S3Client

_CATEGORIES = {1: "a fault of Athena's", 2: "a fault of the query or its rights", 3: "another"}
_PASSING = ("TooManyRequestsException", "ThrottlingException", "Throttling", "SlowDown")
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class QueryState:
    """How a query stands. `result_uri` where it succeeded and has a table; else `reason`."""

    is_running: bool = False
    result_uri: str | None = None
    reason: ManifestError | None = None


class Athena:
    """Queries for recipients. Every error leaves as ManifestError, which stays, or TransientError.

    Sources: Athena API reference, StartQueryExecution, GetQueryExecution, AthenaError; Athena User
    Guide, "Work with query results and recent queries".
    """

    def __init__(
        self,
        session: boto3.Session,
        *,
        role_arn: str | None,
        config: Config,
        now: Callable[[], float],
    ) -> None:
        self._session = session
        self._role_arn = role_arn
        self._config = config
        self._now = now
        self._made: tuple[AthenaClient, S3Client, float] | None = None

    def call_of(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """The members of StartQueryExecution for a request's query, a named one looked up."""
        database, text = query.get("Database"), query.get("QueryString")
        if text is None:
            named = self._call("GetNamedQuery", NamedQueryId=query["NamedQueryId"])["NamedQuery"]
            text, database = named["QueryString"], database or named.get("Database")
        context = {"Catalog": query.get("Catalog"), "Database": database}
        context = {name: value for name, value in context.items() if value}
        call = {"QueryString": text, "WorkGroup": query["WorkGroup"]}
        return call | ({"QueryExecutionContext": context} if context else {})

    def start(self, call: Mapping[str, Any], token: str) -> str:
        """Start a query, or find the one that was started with this token; answers its id."""
        answer = self._call("StartQueryExecution", ClientRequestToken=token, **call)
        query_id: str = answer["QueryExecutionId"]
        return query_id

    def look(self, query_id: str) -> QueryState:
        """How a query stands."""
        found = self._call("GetQueryExecution", QueryExecutionId=query_id)["QueryExecution"]
        status = found["Status"]
        match status["State"]:
            case "QUEUED" | "RUNNING":
                return QueryState(is_running=True)
            case "SUCCEEDED":
                uri = found["ResultConfiguration"]["OutputLocation"]
                if uri.endswith(".csv"):
                    return QueryState(result_uri=uri)
                text = f"Query {query_id} has no table of rows: it must be a SELECT."
                return QueryState(reason=ManifestError("MANIFEST_QUERY_NO_TABLE", text))
            case "CANCELLED":
                text = f"Somebody cancelled query {query_id} in Athena."
                return QueryState(reason=ManifestError("MANIFEST_QUERY_CANCELLED", text))
        error = status.get("AthenaError", {})
        category = _CATEGORIES.get(error.get("ErrorCategory"), "no category")
        text = (
            f"Query {query_id} failed (category: {category}; type {error.get('ErrorType', '?')}): "
            "Athena's console shows why, under recent queries of its work group."
        )
        return QueryState(reason=ManifestError("MANIFEST_QUERY_FAILED", text))

    def stop(self, query_id: str) -> None:
        """Stop a query that nobody waits for."""
        self._call("StopQueryExecution", QueryExecutionId=query_id)

    def read_result(self, uri: str, file: IO[bytes]) -> None:
        """Write the rows of a query into a file, as Athena's CSV."""
        place = ObjectAddress.parse(uri)
        _, s3 = self._clients()
        try:
            answer = s3.get_object(Bucket=place.bucket, Key=place.key)
            if answer["ContentLength"] > MAX_RESULT_BYTES:
                text = f"The query's result has over {MAX_RESULT_BYTES} bytes: ask for less."
                raise ManifestError("MANIFEST_QUERY_TOO_LARGE", text)
            for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                file.write(chunk)
        except AWS_ERRORS as error:
            raise _translate(error, "the query's result: s3:GetObject") from None

    def _call(self, operation: str, **members: Any) -> Any:
        athena, _ = self._clients()
        try:
            return getattr(athena, xform_name(operation))(**members)
        except AWS_ERRORS as error:
            raise _translate(error, f"athena:{operation}") from None

    def _clients(self) -> tuple[AthenaClient, S3Client]:
        if self._made is None or self._now() >= self._made[2]:
            if self._role_arn is None:
                text = "This deployment names no athenaRole any more."
                raise ManifestError("MANIFEST_QUERY_REFUSED", text)
            request = {"RoleArn": self._role_arn, "DurationSeconds": SESSION_SECONDS}
            sts = self._session.client("sts", config=self._config)
            try:
                session = session_as(sts, request, sts.meta.region_name)
            except AWS_ERRORS as error:
                raise _translate(error, "the athenaRole: sts:AssumeRole") from None
            athena = session.client("athena", config=self._config)
            s3 = session.client("s3", config=self._config)
            self._made = (athena, s3, self._now() + KEPT_SECONDS)
        return self._made[:2]


def _translate(error: Exception, what: str) -> Exception:
    if not isinstance(error, ClientError):
        return TransientError(f"{what}: {code_of(error)}")
    code = code_of(error)
    if code in _PASSING or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
        return TransientError(f"{what}: {code}")
    detail = error.response.get("AthenaErrorCode")
    text = f"{what} was refused: {code}{f' ({detail})' if isinstance(detail, str) else ''}."
    return ManifestError("MANIFEST_QUERY_REFUSED", text)

"""What the adapter for recipients from a query is to see of Athena.

Sources: Athena API reference, StartQueryExecution, GetQueryExecution; Athena User Guide, "Work with
query results and recent queries".
"""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Callable
from typing import Any

from botocore.config import Config

from local.account.environment import ACCOUNT
from snapshot_export.adapters.athena import Athena, QueryState
from tests.contract.adapters.facts import Facts, failure
from tests.contract.adapters.implementations import Deployment

SQL = """SELECT * FROM (VALUES ('r-1', 'cust "0001"'), ('r-2', NULL)) AS t("RecipientId", "tag:id")
ORDER BY 1"""
ROWS = '"RecipientId","tag:id"\n"r-1","cust ""0001"""\n"r-2",\n'
REFUSED = "ManifestError: MANIFEST_QUERY_REFUSED: "
_END_SECONDS = 20.0


def athena_queries(deployment: Deployment) -> Facts:
    group = deployment.settings.export_bucket
    client = deployment.client("athena")
    place = {"ResultConfiguration": {"OutputLocation": f"s3://{group}/results/"}}
    client.create_work_group(Name=group, Configuration=place)
    role = f"arn:aws:iam::{ACCOUNT}:role/{group}"
    adapter = Athena(deployment.session, role_arn=role, config=Config(), now=lambda: 0.0)
    call = {"QueryString": SQL, "WorkGroup": group}
    yield "the call for a text", adapter.call_of(call), call
    named = client.create_named_query(
        Name="recipients", Database="crm", QueryString=SQL, WorkGroup=group
    )["NamedQueryId"]
    of_name = call | {"QueryExecutionContext": {"Database": "crm"}}
    by_name = {"NamedQueryId": named, "WorkGroup": group}
    yield "the call for a named one", adapter.call_of(by_name), of_name
    token = uuid.uuid4().hex
    query_id = adapter.start(call, token)
    yield "the same token again is the same query", adapter.start(call, token) == query_id, True
    other = call | {"QueryString": "SELECT 1"}
    yield (
        "the same token for another query",
        failure(lambda: adapter.start(other, token)),
        REFUSED + "athena:StartQueryExecution was refused: InvalidRequestException.",
    )
    ended = _end_of(adapter, query_id)
    uri = ended.result_uri or ""
    yield "where its rows lie", uri, f"s3://{group}/results/{query_id}.csv"
    yield "its rows, NULL as nothing", _read(lambda file: adapter.read_result(uri, file)), ROWS
    gone = f"s3://{group}/results/none.csv"
    yield (
        "rows that are gone",
        _read(lambda file: adapter.read_result(gone, file)),
        REFUSED + "the query's result: s3:GetObject was refused: NoSuchKey.",
    )
    wrong = call | {"QueryString": "SELECT secret FROM nowhere"}
    failed = _end_of(adapter, adapter.start(wrong, uuid.uuid4().hex)).reason
    yield "a query that fails", failed and failed.code, "MANIFEST_QUERY_FAILED"
    yield "what is said of it has nothing of its text", "secret" in str(failed), False
    unknown = str(uuid.uuid4())
    yield (
        "a query that nobody started",
        failure(lambda: adapter.look(unknown)),
        REFUSED + "athena:GetQueryExecution was refused: InvalidRequestException.",
    )
    elsewhere = call | {"WorkGroup": f"{group}-none"}
    yield (
        "a work group that is not there",
        failure(lambda: adapter.start(elsewhere, uuid.uuid4().hex)),
        REFUSED + "athena:StartQueryExecution was refused: InvalidRequestException.",
    )


def _end_of(adapter: Athena, query_id: str) -> QueryState:
    until = time.monotonic() + _END_SECONDS
    while (state := adapter.look(query_id)).is_running and time.monotonic() < until:
        time.sleep(0.05)
    return state


def _read(read: Callable[[Any], None]) -> str:
    """What was written into a file, or why nothing was."""
    file = io.BytesIO()
    refused = failure(lambda: read(file))
    return refused if refused != "nothing" else file.getvalue().decode()

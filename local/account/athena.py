"""Patches of ministack's Athena: a token is one query, and a result lies where it is said to.

Upstream (`ministack/services/athena.py`) starts a query for each call, whatever its
ClientRequestToken; answers an OutputLocation at which there is no object; and writes a CSV with
quotes where one is needed only. Athena quotes every value, and writes NULL as nothing. Its queries
run in DuckDB, which must be installed. Sources: Athena API reference, StartQueryExecution; Athena
User Guide, "Work with query results and recent queries".
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local.account.patching import require_source, rewritten


def write_csv(columns: Sequence[Any], rows: Sequence[Sequence[Any]]) -> bytes:
    """A result as Athena writes it."""
    lines = (",".join(_cell(value) for value in row) for row in (columns, *rows))
    return "".join(f"{line}\n" for line in lines).encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return '"' + text.replace('"', '""') + '"'


def run_queries_once(athena: Any) -> None:
    """Answer a token that is known with its query, or refuse it with another one."""
    upstream: Callable[[Mapping[str, Any]], Any] = athena._start_query_execution
    require_source("_start_query_execution", upstream, "405753f7beaf6c7c")
    known: dict[tuple[str, str, str], tuple[str, Any]] = {}

    def start(data: Mapping[str, Any]) -> Any:
        token = data.get("ClientRequestToken")
        if token is None:
            return upstream(data)
        key = (athena.get_account_id(), athena.get_region(), token)
        call = json.dumps(data, sort_keys=True)
        if key not in known:
            answer = upstream(data)
            if answer[0] == 200:
                known[key] = (call, answer)
            return answer
        if known[key][0] != call:
            text = "Idempotent parameters do not match"
            return athena.error_response_json("InvalidRequestException", text, 400)
        return known[key][1]

    athena._start_query_execution = start


def write_results_as_athena(athena: Any) -> None:
    """Write a result to its OutputLocation, as Athena's CSV."""
    require_source("_save_query_results", athena._save_query_results, "4ff2ac770a744f4b")
    athena._embedded_write_csv = write_csv
    athena._save_query_results = rewritten(
        athena._save_query_results,
        {
            'csv_content = output.getvalue().encode("utf-8")': (
                'csv_content = _embedded_write_csv(results["columns"], results["rows"])'
            ),
            'csv_key = f"{key_prefix}/{query_id}.csv" if key_prefix else f"{query_id}.csv"': (
                "csv_key = key_prefix"
            ),
        },
    )

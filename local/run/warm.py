"""Warm functions before a run is measured, as those of a deployment in use are.

Lambda starts functions beside each other, in less than a second each; here a dozen cold starts
share the machine's few cores, which would be most of the time until the slots are filled. So would
the reading of each dashboard, which a deployment in use did within the last minute.
"""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from local.account.workers import WorkerBound
from local.deployed import Deployed
from local.run.run_report import api_of

_OF_NO_EXPORT = {"ExportId": "warm-up", "Attempt": 1, "Admission": 1}
"""A step of an export that does not exist has nothing to do."""
OF_NO_OBJECT = {
    "time": "2026-01-01T00:00:00Z",
    "detail": {"bucket": {"name": "none"}, "object": {"key": "none"}},
}
"""An object that is of no export is no hint."""


def warm(deployed: Deployed, dashboard_ids: Iterable[str]) -> None:
    """Invoke the functions of an export's way as often beside each other as a run does, and have
    the dashboards read."""
    bound = WorkerBound()
    wanted: dict[str, tuple[int, Any]] = {
        "IntakeFunction": (1, {"Records": []}),
        "StartFunction": (bound.per_function, _OF_NO_EXPORT),
        "DescribeFunction": (bound.polling, _OF_NO_EXPORT),
        "CollectFunction": (bound.per_function, _OF_NO_EXPORT),
        "HintFunction": (bound.per_function, OF_NO_OBJECT),
    }
    client = deployed.client("lambda")
    with ThreadPoolExecutor(bound.total) as pool:
        for name in _function_names(client):
            for part, (count, event) in wanted.items():
                for _ in range(count if part in name else 0):
                    pool.submit(client.invoke, FunctionName=name, Payload=json.dumps(event))
        for dashboard_id in dashboard_ids:
            pool.submit(api_of(deployed).get, "dashboards", dashboard_id)


def _function_names(client: Any) -> Iterator[str]:
    for page in client.get_paginator("list_functions").paginate():
        yield from (function["FunctionName"] for function in page["Functions"])

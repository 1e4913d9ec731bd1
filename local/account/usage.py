"""What the account's work would be billed by: one line of JSON for each use, in a log.

The functions that do the work are wrapped, not changed: who calls them sees no difference. A line
holds `at` (epoch seconds), `service`, `resource` (its name) and what was used:

- `dynamodb`: `writes` (items that a call writes), `refused` (those of them that a condition or a
  conflict refused), `write_units`, `read_units`
- `lambda`: `seconds` and `gb_seconds` of one invocation, a cold start included
- `states`: `entered` or `retries`, each one of AWS's state transitions
- `sqs`, `s3`, `events`: `action`, and for events the number of `entries`

Units are those that ministack computes for ReturnConsumedCapacity, indexes included. A refused
write is billed on AWS like one that succeeds, so it counts 1 unit here, 2 in a transaction, as
items up to 1 KB do ("Working with items", "Using transactional APIs" in the DynamoDB guide).
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_WRITES = ("_put_item", "_update_item", "_delete_item", "_transact_write_items")
_READS = ("_get_item", "_query", "_scan", "_batch_get_item", "_transact_get_items")
_REFUSALS = ("ConditionalCheckFailedException", "TransactionCanceledException")


class UsageLog:
    """Appends lines to a file; thread-safe."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def write(self, service: str, resource: str, **used: float | str) -> None:
        """One use, now."""
        line = {"at": round(time.time(), 3), "service": service, "resource": resource, **used}
        with self._lock:
            self._file.write(json.dumps(line) + "\n")


def log_usage(log: UsageLog, services: Mapping[str, Any]) -> None:
    """Wrap what the modules of ministack's services do; `services` by module name."""
    for name in (*_WRITES, *_READS, "_batch_write_item"):
        _wrap_table_call(log, services["dynamodb"], name)
    _wrap_invocations(log, services["lambda_svc"])
    _wrap_history(log, services["stepfunctions"])
    for name, read in (("sqs", _use_of_queue), ("s3", _use_of_bucket), ("eventbridge", _events)):
        _wrap_requests(log, services[name], read)


def _wrap_table_call(log: UsageLog, dynamodb: Any, name: str) -> None:
    upstream = getattr(dynamodb, name)

    def call(data: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        asked = data.get("ReturnConsumedCapacity", "NONE") != "NONE"
        answer: tuple[int, dict[str, str], bytes] = upstream(
            data if asked else data | {"ReturnConsumedCapacity": "TOTAL"}
        )
        status, headers, body = answer
        result = json.loads(body) if body else {}
        table, used = _use_of_table(name, data, status, result)
        if used:
            log.write("dynamodb", table, **used)
        if asked or "ConsumedCapacity" not in result:
            return answer
        del result["ConsumedCapacity"]
        return status, headers, json.dumps(result, ensure_ascii=False).encode()

    setattr(dynamodb, name, call)


def _use_of_table(
    name: str, data: dict[str, Any], status: int, result: dict[str, Any]
) -> tuple[str, dict[str, float]]:
    """The table that a call names, and what it used; a transaction is of one table here."""
    consumed = result.get("ConsumedCapacity") or []
    each = consumed if isinstance(consumed, list) else [consumed]
    units = sum(float(entry.get("CapacityUnits", 0)) for entry in each)
    if name == "_transact_write_items":
        actions = [next(iter(item.values())) for item in data.get("TransactItems", [])]
        table, writes, weight = str(actions[0]["TableName"]) if actions else "", len(actions), 2
    elif name == "_batch_write_item":
        requests = data.get("RequestItems", {})
        table, writes, weight = next(iter(requests), ""), sum(map(len, requests.values())), 1
    elif name in _WRITES:
        table, writes, weight = str(data.get("TableName", "")), 1, 1
    else:
        requests = data.get("RequestItems") or {data.get("TableName", ""): None}
        return str(next(iter(requests), "")), {"read_units": units} if units else {}
    if status < 400:
        return table, {"writes": writes, "refused": 0, "write_units": units}
    if not str(result.get("__type", "")).endswith(_REFUSALS):
        return table, {}
    return table, {"writes": writes, "refused": writes, "write_units": writes * weight}


def _wrap_invocations(log: UsageLog, lambda_svc: Any) -> None:
    upstream = lambda_svc._execute_function_warm

    def execute(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        config = func.get("config") or func
        began = time.monotonic()
        try:
            result: dict[str, Any] = upstream(func, event, request_id)
            return result
        finally:
            seconds = time.monotonic() - began
            log.write(
                "lambda",
                str(config.get("FunctionName", "unknown")),
                seconds=round(seconds, 4),
                gb_seconds=round(seconds * float(config.get("MemorySize", 128)) / 1024, 5),
            )

    lambda_svc._execute_function_warm = execute


def _wrap_history(log: UsageLog, stepfunctions: Any) -> None:
    """An attempt of a task after its first is a retry, which AWS bills as a transition too."""
    upstream = stepfunctions._add_event
    attempts: dict[str, int] = {}

    def add_event(execution: dict[str, Any], event_type: str, details: Any = None) -> Any:
        event = upstream(execution, event_type, details)
        machine = str(execution["stateMachineArn"]).rpartition(":")[2]
        arn = str(execution["executionArn"])
        if event_type.endswith("StateEntered"):
            attempts[arn] = 0
            log.write("states", machine, entered=1)
        elif event_type == "TaskScheduled":
            attempts[arn] = attempts.get(arn, 0) + 1
            if attempts[arn] > 1:
                log.write("states", machine, retries=1)
        return event

    stepfunctions._add_event = add_event


def _wrap_requests(
    log: UsageLog,
    module: Any,
    read: Callable[[str, str, Mapping[str, str], bytes], tuple[str, dict[str, float | str]] | None],
) -> None:
    upstream = module.handle_request

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any, **more: Any
    ) -> Any:
        use = read(method, path, headers, body)
        if use is not None:
            service = {"eventbridge": "events"}.get(module.__name__.rpartition(".")[2])
            log.write(service or module.__name__.rpartition(".")[2], use[0], **use[1])
        return await upstream(method, path, headers, body, *rest, **more)

    module.handle_request = handle


def _action(headers: Mapping[str, str]) -> str:
    return headers.get("x-amz-target", "").rpartition(".")[2]


def _use_of_queue(
    _method: str, _path: str, headers: Mapping[str, str], body: bytes
) -> tuple[str, dict[str, float | str]] | None:
    if not _action(headers):
        return None
    queue = str(json.loads(body or b"{}").get("QueueUrl", "")).rpartition("/")[2]
    return queue, {"action": _action(headers)}


def _use_of_bucket(
    method: str, path: str, headers: Mapping[str, str], _body: bytes
) -> tuple[str, dict[str, float | str]]:
    bucket, _, key = path.lstrip("/").partition("/")
    action = "COPY" if "x-amz-copy-source" in headers else method
    return bucket, {"action": "LIST" if action == "GET" and not key else action}


def _events(
    _method: str, _path: str, headers: Mapping[str, str], body: bytes
) -> tuple[str, dict[str, float | str]] | None:
    if _action(headers) != "PutEvents":
        return None
    entries = json.loads(body or b"{}").get("Entries", [])
    source = str(entries[0].get("Source", "")) if entries else ""
    return source, {"action": "PutEvents", "entries": len(entries)}

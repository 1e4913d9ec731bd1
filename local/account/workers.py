"""Patches of ministack's Lambda workers: error names, code copies, bounds, log drain, updates.

ministack 1.5.33 runs a function in a warm subprocess of its own; the facts that the docstrings
state are of `ministack/core/lambda_runtime.py` and `ministack/services/lambda_svc.py`.
"""

import queue
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.account.code_cache import extract_once
from local.account.patching import replace_once, require_source, rewritten


@dataclass(frozen=True, kw_only=True)
class WorkerBound:
    """How many invocations may run at once: the one setting of the embedded account's speed.

    A warm worker is a Python process that took about a second of CPU to import its libraries, and
    about 60 MB. On two cores a few that are reused beat many that start cold; `per_function` leaves
    room for functions that sleep while they wait for their turn to call QuickSight, `polling` for
    a describe or hint function in each slot, which sleeps until its job's likely end.
    """

    per_function: int = 3
    polling: int = 14
    total: int = 24


_POLLING = ("DescribeFunction", "HintFunction")
_HANDLER_ERROR = "__embedded_aws_handler_error__"
_END_OF_LOG = "\x00end-of-invocation\x00"
_EXITED = "Worker process died"

_HANDLER_CALL = """\
            result = handler_fn(event, context)
            _real_stdout.write(json.dumps({"status": "ok", "result": result}) + "\\n")
        except Exception as e:
            _real_stdout.write(json.dumps({"status": "error", "error": str(e), \
"trace": traceback.format_exc()}) + "\\n")
        _real_stdout.flush()
"""
_PATCHED_HANDLER_CALL = """\
            _ms_answer = json.dumps({"status": "ok", "result": handler_fn(event, context)})
        except Exception as e:
            _ms_error = {"errorMessage": str(e), "errorType": type(e).__name__,
                "requestId": context.aws_request_id,
                "stackTrace": traceback.format_tb(e.__traceback__)}
            sys.stderr.write(json.dumps({"level": "ERROR", "message": str(e), **_ms_error}) + "\\n")
            _ms_answer = json.dumps({"status": "ok", "result": {"HANDLER_ERROR": _ms_error}})
        sys.stderr.write("END_OF_LOG\\n")
        sys.stderr.flush()
        _real_stdout.write(_ms_answer + "\\n")
        _real_stdout.flush()
""".replace("HANDLER_ERROR", _HANDLER_ERROR).replace("END_OF_LOG", repr(_END_OF_LOG)[1:-1])


def report_error_types(runtime: Any, lambda_svc: Any) -> None:
    """Make a function's exception reach its caller under its own class name.

    Upstream reports every exception as `Runtime.HandlerError` and then kills the worker, so that
    Step Functions' Retry and Catch by name never match and each failure costs a cold start. AWS
    reports `errorType` = the class name and keeps the environment. A process that ended by itself
    is `Runtime.ExitError` on AWS.
    """
    script = runtime._PYTHON_WORKER_SCRIPT
    require_source("_PYTHON_WORKER_SCRIPT", script, "368800addf4dc998")
    require_source("_execute_function_warm", lambda_svc._execute_function_warm, "62b9218bef5b948a")
    runtime._PYTHON_WORKER_SCRIPT = replace_once(script, _HANDLER_CALL, _PATCHED_HANDLER_CALL)
    upstream = lambda_svc._execute_function_warm

    def execute(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        result: dict[str, Any] = upstream(func, event, request_id)
        body = result.get("body")
        if isinstance(body, dict) and _HANDLER_ERROR in body:
            return {"body": body[_HANDLER_ERROR], "error": True, "log": result.get("log", "")}
        if result.get("error") and isinstance(body, dict) and body.get("errorMessage") == _EXITED:
            body["errorType"] = "Runtime.ExitError"
        return result

    lambda_svc._execute_function_warm = execute


def share_extracted_code(runtime: Any, cache: Path) -> None:
    """Extract and compile a function's code once per code hash, instead of once per worker.

    Upstream unpacks the whole asset (boto3 included, about 60 MB) into a new folder for every
    worker, and each compiles it again, which triples a cold start. The copies in `cache` serve
    later runs and other servers too; one that was not used for a day is removed.
    """
    require_source("Worker._spawn", runtime.Worker._spawn, "c55febf956565c5e")
    lock = threading.Lock()

    def shared_code_dir(code_zip: bytes) -> str:
        with lock:
            return str(extract_once(code_zip, cache))

    runtime._embedded_shared_code_dir = shared_code_dir
    runtime.Worker._spawn = rewritten(runtime.Worker._spawn, {_EXTRACTION: _SHARED_EXTRACTION})


_EXTRACTION = """\
    code_dir = os.path.join(self._tmpdir, "code")
    os.makedirs(code_dir)
    with open(os.path.join(self._tmpdir, "code.zip"), "wb") as f:
        f.write(self.code_zip)
    with zipfile.ZipFile(os.path.join(self._tmpdir, "code.zip")) as zf:
        zf.extractall(code_dir)
"""
_SHARED_EXTRACTION = """\
    code_dir = _embedded_shared_code_dir(self.code_zip)
"""


def bound_workers(lambda_svc: Any, bound: WorkerBound) -> None:
    """Let at most so many invocations run at once; the others wait their turn.

    Upstream spawns a worker for every simultaneous invocation and keeps it: 194 processes and
    11 GB were measured after 200 executions. AWS would scale out as well, but has the machines.
    A function must not invoke another one synchronously: it could wait for its own turn.
    """
    upstream = lambda_svc._execute_function_warm
    everyone = threading.BoundedSemaphore(bound.total)
    own: dict[str, threading.BoundedSemaphore] = defaultdict(
        lambda: threading.BoundedSemaphore(bound.per_function)
    )
    polling = threading.BoundedSemaphore(bound.polling)

    def execute(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        name = str((func.get("config") or func).get("FunctionArn", "unknown"))
        with polling if any(each in name for each in _POLLING) else own[name], everyone:
            result: dict[str, Any] = upstream(func, event, request_id)
            return result

    lambda_svc._execute_function_warm = execute


def finish_running_invocations(runtime: Any, lambda_svc: Any) -> None:
    """Let an invocation that runs while its function is updated go on with the code it began with.

    Upstream kills its worker, so that each deployment lost invocations, and a message of a queue
    came back only after its visibility timeout. AWS finishes them in their old environment.
    """
    require_source("invalidate_worker", runtime.invalidate_worker, "1be5d7f769f5c608")
    require_source("release_worker", runtime.release_worker, "25d5dd7d42b6e30c")
    release = runtime.release_worker

    def retire(doomed: list[Any]) -> None:
        with runtime._lock:
            for worker in doomed:
                worker.retired = worker.in_use
        runtime.kill_workers([worker for worker in doomed if not worker.retired])

    def release_or_end(worker: Any) -> None:
        release(worker)
        if getattr(worker, "retired", False):
            runtime.kill_workers([worker])

    runtime._embedded_retire = retire
    invalidate = rewritten(
        runtime.invalidate_worker, {"kill_workers(doomed)": "_embedded_retire(doomed)"}
    )
    runtime.invalidate_worker = lambda_svc.invalidate_worker = invalidate
    runtime.release_worker = lambda_svc.release_worker = release_or_end


def drain_log_to_mark(runtime: Any) -> None:
    """Read a worker's log up to the mark that the patched worker script writes after each call.

    Upstream waits 50 ms for a first line, so a function that logs nothing costs 50 ms a call, and
    5 ms of silence after the last, so late lines can be lost. Requires report_error_types.
    """
    require_source(
        "Worker._drain_stderr_bounded", runtime.Worker._drain_stderr_bounded, "3fd7cc742872e604"
    )

    def drain(self: Any, hard_cap: float = 0.25) -> str:
        lines: list[str] = []
        deadline = time.monotonic() + hard_cap
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._stderr_queue.get(timeout=left)
            except queue.Empty:
                break
            if line == _END_OF_LOG:
                break
            lines.append(line)
        return "\n".join(lines)

    runtime.Worker._drain_stderr_bounded = drain

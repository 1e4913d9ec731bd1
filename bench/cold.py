"""`make bench-cold`: the processor time of a cold start, for each function that an export passes.

The functions' code is bundled as `cdk deploy` bundles it, for this machine's Python. One export is
taken through intake, start, describe (until its job ended) and collect, each step in a process of
its own that has nothing else on its path and writes no compiled code, as in Lambda. DynamoDB, S3,
SQS and Step Functions are the embedded account's, QuickSight is the project's emulator, both over
HTTP; a TLS handshake, which Lambda has besides, is not in the figures.

Processor time does not depend on what else the machine does, and is what Lambda's share of a
processor is divided by: 1,769 MB are one processor (Lambda Developer Guide, "Configure Lambda
function memory"). Exits 1 if the bundle as deployed is over the budget in any function.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.account import BenchSession, make_environment
from bench.arena import BUCKET_POLICY
from infra.bundling import PROFILES, bundle
from infra.functions import MEMORY_MB
from local.account import EmbeddedAws
from local.account.environment import client_environment
from local.examples import make_messages
from local.quicksight_process import QuickSightProcess, QuickSightSettings

BUDGET_SECONDS = 0.7
STEPS = ("intake", "start", "describe", "collect")
_MB_OF_ONE_PROCESSOR = 1769
_LAMBDAS = Path(__file__).resolve().parents[1] / "lambdas"
_CHILD = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
class Context:
    aws_request_id, function_name, memory_limit_in_mb = "cold", sys.argv[2], 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:cold"
    get_remaining_time_in_millis = staticmethod(lambda: 60_000)
event = json.load(sys.stdin)
began = time.process_time()
module = __import__("snapshot_export.handlers." + sys.argv[2], fromlist=["handler"])
imported = time.process_time()
answer = module.handler(event, Context())
done = time.process_time()
print("\\n" + json.dumps([imported - began, done - imported, answer]))
"""


class ColdFunctions:
    """Starts each function of a bundle from nothing."""

    def __init__(self, code: Path, environment: Mapping[str, str]) -> None:
        self._code = code
        self._environment = dict(environment)

    def invoke(self, name: str, event: Any) -> tuple[float, float, Any]:
        """Seconds of importing, seconds of the first invocation, and its answer."""
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", _CHILD, str(self._code), name],
            input=json.dumps(event),
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{name} failed:\n{done.stdout}{done.stderr}")
        imported, invoked, answer = json.loads(done.stdout.splitlines()[-1])
        return imported, invoked, answer


def export_once(functions: ColdFunctions, table: Any, export_id: str) -> dict[str, list[float]]:
    """Take an export to its end; answers seconds of import and invocation of each function."""
    (body,) = make_messages(export_id, 1)
    record = {
        "messageId": export_id,
        "body": json.dumps(body),
        "attributes": {"SentTimestamp": str(int(time.time() * 1000))},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }
    *seconds, answer = functions.invoke("intake", {"Records": [record]})
    taken = {"intake": seconds}
    if answer["batchItemFailures"]:
        raise RuntimeError("the export was not taken")
    (lease,) = [
        item for item in table.scan()["Items"] if item["sk"] == f"ATTEMPT#{body['ExportId']}"
    ]
    ids = {
        "ExportId": body["ExportId"],
        "Attempt": int(lease["attempt"]),
        "Admission": int(lease["admission"]),
    }
    for step, phase in (("start", "RUNNING"), ("describe", "ENDED"), ("collect", "DONE")):
        *taken[step], answer = functions.invoke(step, ids)
        if answer["Phase"] != phase:
            raise RuntimeError(f"{step} answered {answer}, not {phase}")
    return taken


def measure() -> dict[str, dict[str, list[float]]]:
    """Seconds of import and first invocation, by bundle and function."""
    with tempfile.TemporaryDirectory() as folder:
        deployed, plain = Path(folder) / "deployed", Path(folder) / "plain"
        bundle(source=_LAMBDAS, profile=PROFILES["host"], output=deployed)
        shutil.copytree(deployed, plain, ignore=shutil.ignore_patterns("__pycache__"))
        with EmbeddedAws(Path(folder) / "aws") as aws:
            settings = QuickSightSettings(time_scale=0.02)
            quicksight = QuickSightProcess(Path(folder) / "quicksight", settings)
            quicksight.start(aws.endpoint_url)
            try:
                variables = client_environment(aws.endpoint_url)
                session = BenchSession(aws.endpoint_url, quicksight.url, Counter())
                environment = make_environment(session)
                bucket = environment["EXPORT_BUCKET"]
                policy = json.dumps(BUCKET_POLICY).replace("{bucket}", bucket)
                session.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
                resource: Any = session.resource("dynamodb", endpoint_url=aws.endpoint_url)
                table = resource.Table(environment["TABLE_NAME"])
                environment |= variables | {
                    "AWS_ENDPOINT_URL_QUICKSIGHT": quicksight.url,
                    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
                    "POWERTOOLS_SERVICE_NAME": "SnapshotExport",
                    "POWERTOOLS_METRICS_NAMESPACE": "SnapshotExport",
                }
                return {
                    title: export_once(ColdFunctions(code, environment), table, name)
                    for title, name, code in (
                        ("without compiled code", "plain", plain),
                        ("as deployed", "deployed", deployed),
                    )
                }
            finally:
                quicksight.stop()


def main() -> int:
    """Measure and print; 1 if over the budget."""
    found = measure()
    share = MEMORY_MB / _MB_OF_ONE_PROCESSOR
    print(f"processor seconds of a cold start; at {MEMORY_MB} MB a function has {share:.2f} of one")
    head = f"first at {MEMORY_MB} MB"
    print(f"{'':22}{'function':10}{'import':>8}{'first':>8}{'total':>8}{head:>18}")
    for title, functions in found.items():
        for name, (imported, invoked) in functions.items():
            total = imported + invoked
            print(
                f"{title:22}{name:10}{imported:8.2f}{invoked:8.2f}{total:8.2f}"
                f"{invoked / share:18.2f}"
            )
    over = [name for name in STEPS if sum(found["as deployed"][name]) > BUDGET_SECONDS]
    print(f"budget {BUDGET_SECONDS} s: " + (f"EXCEEDED by {', '.join(over)}" if over else "kept"))
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())

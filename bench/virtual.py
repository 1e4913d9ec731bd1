"""The real flows and adapters on virtual time, over clients in memory; nothing leaves the process.

DynamoDB is bench/memory_table.py. QuickSight takes the times that the emulator draws
(local/quicksight/durations.py), refuses what is over its limit, and makes no files. Step Functions
is a queue of steps, each later than the one before it by STEP_SECONDS, as transitions cost on AWS.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from bench.memory_table import MemoryTable
from local.quicksight.durations import draw_job_seconds
from snapshot_export.adapters.services import Services, make_services
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.flows.export.admit import admit
from snapshot_export.flows.export.collect import collect
from snapshot_export.flows.export.hand_over import check_and_hand_over
from snapshot_export.flows.export.start import start
from snapshot_export.flows.take_message import accept_message
from snapshot_export.settings import Settings

START_TIME = 1_800_000_000.0
STEP_SECONDS = 0.15
LIMIT = 12
_FLOWS: dict[str, Callable[[Services, str, int, int], dict[str, Any]]] = {
    "StartSnapshot": start,
    "DescribeSnapshot": check_and_hand_over,
    "CollectFiles": collect,
}


class Clock:
    """Virtual time of the step that runs."""

    def __init__(self) -> None:
        self.time = START_TIME

    def now(self) -> float:
        """Epoch seconds."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Time goes by for this step; the others are not held up."""
        self.time += seconds


class QuickSightInMemory:
    """Snapshot jobs that take their drawn times; `peak` is how many ran at once."""

    def __init__(self, clock: Clock, seed: int, dashboards: list[str]) -> None:
        self._clock = clock
        self._seed = seed
        self._dashboards = dashboards
        self._jobs: dict[str, tuple[float, float, list[Any]]] = {}
        self._alike = itertools.count()
        self.peak = 0
        self.refused = 0

    def start_dashboard_snapshot_job(self, **request: Any) -> dict[str, Any]:
        """Start a job, or refuse it as QuickSight would."""
        now = self._clock.now()
        running = sum(begin <= now < end for begin, end, _ in self._jobs.values())
        if running >= LIMIT:
            self.refused += 1
            raise _refusal("LimitExceededException", 409)
        groups = request["SnapshotConfiguration"]["FileGroups"]
        seconds = draw_job_seconds(
            self._seed, self._dashboards, request["DashboardId"], "PDF", next(self._alike)
        )
        self._jobs[request["SnapshotJobId"]] = (now, now + seconds, groups)
        self.peak = max(self.peak, running + 1)
        return {"Status": 200}

    def describe_dashboard(self, **request: Any) -> dict[str, Any]:
        """A dashboard with one data set."""
        return {"Dashboard": {"Version": {"DataSetArns": [f"dataset/{request['DashboardId']}"]}}}

    def describe_dashboard_definition(self, **_: Any) -> dict[str, Any]:
        """The sheet that every request names, and the parameter of a burst's recipients."""
        region = {"StringParameterDeclaration": {"Name": "Region"}}
        sheets = [{"SheetId": "summary"}]
        return {"Definition": {"Sheets": sheets, "ParameterDeclarations": [region]}}

    def describe_data_set(self, **_: Any) -> dict[str, Any]:
        """A data set that demands the tag that every request has."""
        rule = {"TagKey": "customer_id", "ColumnName": "customer_id"}
        return {"DataSet": {"RowLevelPermissionTagConfiguration": {"TagRules": [rule]}}}

    def describe_dashboard_snapshot_job(self, **request: Any) -> dict[str, Any]:
        """How the job is."""
        begin, end, _ = self._job(request)
        ended = self._clock.now() >= end
        return {
            "JobStatus": "COMPLETED" if ended else "RUNNING",
            "CreatedTime": datetime.fromtimestamp(begin, UTC),
            "LastUpdatedTime": datetime.fromtimestamp(end if ended else begin, UTC),
        }

    def describe_dashboard_snapshot_job_result(self, **request: Any) -> dict[str, Any]:
        """The addresses of files that are not there."""
        place = ObjectAddress("bench", f"snapshots/{request['SnapshotJobId']}.pdf")
        results = [{"S3Uri": str(place)}]
        groups = [{**group, "S3Results": results} for group in self._job(request)[2]]
        return {"JobStatus": "COMPLETED", "Result": {"AnonymousUsers": [{"FileGroups": groups}]}}

    def _job(self, request: dict[str, Any]) -> tuple[float, float, list[Any]]:
        if request["SnapshotJobId"] not in self._jobs:
            raise _refusal("ResourceNotFoundException", 404)
        return self._jobs[request["SnapshotJobId"]]


class _OtherClients:
    """S3, EventBridge and Step Functions: copies are noted, events are taken, starts are noted."""

    meta = SimpleNamespace(region_name="us-east-1", endpoint_url="https://s3.us-east-1.bench")

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self._copied: set[str] = set()

    def start_execution(self, *, input: str, **_: Any) -> None:  # noqa: A002
        self.started.append(json.loads(input))

    def put_events(self, **_: Any) -> dict[str, Any]:
        return {"FailedEntryCount": 0, "Entries": []}

    def copy(self, _source: Any, _bucket: str, key: str, **_more: object) -> None:
        self._copied.add(key)

    def head_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        if Key not in self._copied:
            raise _refusal("404", 404)
        return {"ContentLength": 1, "ETag": '"e"'}


@dataclass(order=True)
class _Step:
    at: float
    number: int
    state: str
    ids: dict[str, Any]


class VirtualAccount:
    """One deployment on virtual time."""

    def __init__(self, seed: int, dashboards: list[str]) -> None:
        self.clock = Clock()
        self.quicksight = QuickSightInMemory(self.clock, seed, dashboards)
        self._others = _OtherClients()
        self._table = MemoryTable()
        self._steps: list[_Step] = []
        self._numbers = itertools.count()
        session: Any = self
        self.services = make_services(
            _settings(), session, now=self.clock.now, sleep=self.clock.sleep
        )

    def client(self, service: str, **_: Any) -> Any:
        """A client, as of a boto3 session."""
        own = {"dynamodb": self._table, "quicksight": self.quicksight}
        return own.get(service, self._others)

    def send(self, request: dict[str, Any]) -> None:
        """Accept one message and admit, as the intake function does."""
        accept_message(
            self.services,
            message_id=request["ExportId"],
            body=json.dumps(request),
            sent_at=self.clock.now(),
        )
        admit(self.services)
        self._take_started()

    def run(self) -> None:
        """Run all executions to their ends."""
        while self._steps:
            step = heapq.heappop(self._steps)
            self.clock.time = step.at
            ids = step.ids
            answer = _FLOWS[step.state](
                self.services, ids["ExportId"], ids["Attempt"], ids["Admission"]
            )
            self._take_started()
            self._go_on(step, answer)

    def _go_on(self, step: _Step, answer: dict[str, Any]) -> None:
        now, wait = self.clock.now(), answer["WaitSeconds"]
        match answer["Phase"]:
            case "RUNNING" | "WAITING":
                self._push(now + wait, "DescribeSnapshot", step.ids)
            case "NOT_STARTED":
                self._push(now + wait + STEP_SECONDS, "StartSnapshot", step.ids)
            case "ENDED":
                self._push(now + STEP_SECONDS, "CollectFiles", step.ids)

    def _take_started(self) -> None:
        while self._others.started:
            ids = self._others.started.pop(0)
            self._push(self.clock.now() + STEP_SECONDS, "StartSnapshot", ids)

    def _push(self, at: float, state: str, ids: dict[str, Any]) -> None:
        heapq.heappush(self._steps, _Step(at, next(self._numbers), state, ids))


def _settings() -> Settings:
    names = (
        "TABLE_NAME", "EXPORT_BUCKET", "REJECTED_QUEUE_URL", "BURST_QUEUE_URL", "SCHEDULE_GROUP",
        "SCHEDULE_ROLE_ARN", "SCHEDULE_QUEUE_ARN", "SCHEDULE_DEAD_LETTER_ARN", "STATE_MACHINE_ARN",
        "SNAPSHOT_USER_ROLE_ARN", "EVENT_BUS_NAME",
    )  # fmt: skip
    numbers = {
        "QUICKSIGHT_ACCOUNT_ID": "000000000000",
        "QUICKSIGHT_REGION": "us-east-1",
        "SNAPSHOT_JOB_LIMIT": str(LIMIT),
        "RESERVED_SLOTS": "0",
        "CALLS_PER_SECOND": "8",
        "EXPECTED_JOB_SECONDS": "40",
        "RETENTION_DAYS": "30",
        "UNREADABLE_ROW_LEVEL_SECURITY": "REFUSE",
    }
    return Settings.from_env(dict.fromkeys(names, "bench") | numbers)


def _refusal(code: str, status: int) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "QuickSight")

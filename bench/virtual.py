"""The real flows and adapters on virtual time, over clients in memory; nothing leaves the process.

DynamoDB is bench/memory_table.py. QuickSight takes the times that the emulator draws
(local/quicksight/durations.py), refuses what is over its limits, answers after CALL_SECONDS, and
makes no files: S3 says that they came, early, late, twice or never, as the embedded account does.
Step Functions is a queue of steps, each later than the one before it by STEP_SECONDS, as
transitions cost on AWS. What the functions work between their calls takes no time.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from bench.memory_table import MemoryTable
from bench.virtual_clock import Clock
from local.account.notifications import Notifications
from local.deployment import PROJECT_ROOT
from local.quicksight.durations import draw_job_seconds, name_viewer
from local.quicksight.errors import ServiceError
from local.quicksight.settings import Settings as QuickSightSettings
from local.quicksight.throttle import CallWindow
from snapshot_export.adapters.services import make_services
from snapshot_export.domain.hint import hint_of
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.errors import TransientError
from snapshot_export.flows.export.admit import admit
from snapshot_export.flows.export.collect import collect
from snapshot_export.flows.export.hint import hear
from snapshot_export.flows.export.poll import poll
from snapshot_export.flows.export.start import start
from snapshot_export.flows.take_message import accept_message
from snapshot_export.settings import Settings

STEP_SECONDS, CALL_SECONDS = 0.15, 0.1
RETRY_SECONDS = 2.0
"""After a step that fails for a time, as statemachine/export.asl.json has it."""
LIMIT = 12
DEFAULT_CALLS_PER_SECOND: float = json.loads((PROJECT_ROOT / "cdk.json").read_text())["context"][
    "deployment"
]["callsPerSecond"]
COLLECT_FUNCTION = "bench-collect"
_FLOWS: dict[str, Callable[..., Mapping[str, Any]]] = {
    "StartSnapshot": start,
    "DescribeSnapshot": poll,
    "CollectFiles": collect,
}


class QuickSightInMemory:
    """Snapshot jobs that take their drawn times, and the ledger of the calls, as the emulator's.

    A job's time is drawn by its number among all; `by_viewer`: by whom it is for, so that it is the
    same in whatever order jobs come. `wrote` is called as S3's notification of a job's one file.
    """

    def __init__(
        self, clock: Clock, seed: int, dashboards: list[str], *, limit: int, by_viewer: bool
    ) -> None:
        self._clock = clock
        self._seed = seed
        self._dashboards = dashboards
        self._by_viewer = by_viewer
        self._window = CallWindow(QuickSightSettings.calls_per_second)
        self._jobs: dict[str, tuple[float, float, list[Any]]] = {}
        self._alike = itertools.count()
        self._random = random.Random(seed)
        self.wrote: Callable[[float, str], None] = lambda _at, _key: None
        self.ledger: dict[str, Any] = {"limit": limit, "jobs": [], "calls": []}

    @property
    def peak(self) -> int:
        """How many jobs ran at once."""
        return max(int(call["running"]) for call in self.ledger["calls"])

    @property
    def refused(self) -> int:
        """How many starts were over the limit of jobs."""
        outcomes = [call["outcome"] for call in self.ledger["calls"]]
        return outcomes.count("LimitExceededException")

    def start_dashboard_snapshot_job(self, **request: Any) -> dict[str, Any]:
        """Start a job, or refuse it as QuickSight would."""
        job_id = request["SnapshotJobId"]
        self._call("StartDashboardSnapshotJob", job_id, starts=True)
        now, configuration = self._clock.now(), request["SnapshotConfiguration"]
        seconds = draw_job_seconds(
            self._seed,
            self._dashboards,
            request["DashboardId"],
            "PDF",
            name_viewer(request, None) if self._by_viewer else next(self._alike),
        )
        self._jobs[job_id] = (now, now + seconds, configuration["FileGroups"])
        self.ledger["jobs"].append(
            {"SnapshotJobId": job_id, "created": now, "ended": now + seconds, "seconds": seconds}
        )
        early = self._random.uniform(
            QuickSightSettings.shortest_lead_seconds, QuickSightSettings.longest_lead_seconds
        )
        (place,) = configuration["DestinationConfiguration"]["S3Destinations"]
        prefix = place["BucketConfiguration"]["BucketPrefix"].rstrip("/")
        self.wrote(now + max(seconds - early, seconds / 2), f"{prefix}/{job_id}.pdf")
        return {"Status": 200}

    def _call(self, operation: str, job_id: str, *, starts: bool = False) -> None:
        """One call, which takes its time. Raises what QuickSight would over its limits."""
        self._clock.sleep(CALL_SECONDS)
        now = self._clock.now()
        running = sum(begin <= now < end for begin, end, _ in self._jobs.values())
        outcome = "OK"
        try:
            self._window.admit(now)
            if starts and running >= self.ledger["limit"]:
                outcome = "LimitExceededException"
        except ServiceError:
            outcome = "ThrottlingException"
        self.ledger["calls"].append(
            {
                "time": now,
                "operation": operation,
                "SnapshotJobId": job_id,
                "outcome": outcome,
                "lost": False,
                "running": running + (starts and outcome == "OK"),
            }
        )
        if outcome != "OK":
            raise _refusal(outcome, 409 if starts else 400)

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
        self._call("DescribeDashboardSnapshotJob", request["SnapshotJobId"])
        begin, end, _ = self._job(request)
        ended = self._clock.now() >= end
        return {
            "JobStatus": "COMPLETED" if ended else "RUNNING",
            "CreatedTime": datetime.fromtimestamp(begin, UTC),
            "LastUpdatedTime": datetime.fromtimestamp(end if ended else begin, UTC),
        }

    def describe_dashboard_snapshot_job_result(self, **request: Any) -> dict[str, Any]:
        """The addresses of files that are not there."""
        self._call("DescribeDashboardSnapshotJobResult", request["SnapshotJobId"])
        begin, end, wanted = self._job(request)
        if self._clock.now() < end:
            raise _refusal("PreconditionNotMetException", 400)
        place = ObjectAddress("bench", f"snapshots/{request['SnapshotJobId']}.pdf")
        results = [{"S3Uri": str(place)}]
        groups = [{**group, "S3Results": results} for group in wanted]
        return {
            "JobStatus": "COMPLETED",
            "CreatedTime": datetime.fromtimestamp(begin, UTC),
            "LastUpdatedTime": datetime.fromtimestamp(end, UTC),
            "Result": {"AnonymousUsers": [{"FileGroups": groups}]},
        }

    def _job(self, request: dict[str, Any]) -> tuple[float, float, list[Any]]:
        if request["SnapshotJobId"] not in self._jobs:
            raise _refusal("ResourceNotFoundException", 404)
        return self._jobs[request["SnapshotJobId"]]


class _OtherClients:
    """S3, EventBridge, Lambda, Step Functions: copies are noted, events taken, starts noted."""

    meta = SimpleNamespace(region_name="us-east-1", endpoint_url="https://s3.us-east-1.bench")

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self.invoked: list[dict[str, Any]] = []
        self._copied: set[str] = set()

    def start_execution(self, *, input: str, **_: Any) -> None:  # noqa: A002
        self.started.append(json.loads(input))

    def invoke(self, *, Payload: str, **_: Any) -> None:  # noqa: N803
        self.invoked.append(json.loads(Payload))

    def put_events(self, **_: Any) -> dict[str, Any]:
        return {"FailedEntryCount": 0, "Entries": []}

    def copy(self, _source: Any, _bucket: str, key: str, **_more: object) -> None:
        self._copied.add(key)

    def head_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        if Key not in self._copied:
            raise _refusal("404", 404)
        return {"ContentLength": 1, "ETag": '"e"'}


class VirtualAccount:
    """One deployment on virtual time. `busy` is the time of all functions together, in seconds.

    `notifications` are S3's of QuickSight's files; None brings none.
    """

    def __init__(
        self,
        seed: int,
        dashboards: list[str],
        *,
        slots: int = LIMIT,
        calls_per_second: float = DEFAULT_CALLS_PER_SECOND,
        notifications: Notifications | None = None,
        by_viewer: bool = False,
    ) -> None:
        self.clock = Clock()
        self.quicksight = QuickSightInMemory(
            self.clock, seed, dashboards, limit=slots, by_viewer=by_viewer
        )
        self.quicksight.wrote = self._notify
        self.busy = 0.0
        self._notifications = notifications
        self._random = random.Random(seed)
        self._others = _OtherClients()
        self._table = MemoryTable()
        session: Any = self
        self.services = make_services(
            _settings(slots, calls_per_second),
            session,
            now=self.clock.now,
            sleep=self.clock.sleep,
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
        self.clock.run()

    def _notify(self, written_at: float, key: str) -> None:
        hint = hint_of(self.services.settings.export_bucket, key, written_at)
        if self._notifications is None or hint is None:
            return
        for delay in self._notifications.draw(self._random):
            self.call_at(written_at + delay, lambda: hear(self.services, hint))

    def call_at(self, at: float, function: Callable[[], None]) -> None:
        """Run a function of the deployment at a time."""

        def run() -> None:
            began = self.clock.now()
            function()
            self.busy += self.clock.now() - began
            self._take_started()

        self.clock.call_at(at, run)

    def _take_started(self) -> None:
        now = self.clock.now()
        while self._others.started:
            self._step_at(now + STEP_SECONDS, "StartSnapshot", self._others.started.pop())
        while self._others.invoked:
            ids = self._others.invoked.pop()
            self.call_at(now, partial(self._take_step, "CollectFiles", ids, goes_on=False))

    def _step_at(self, at: float, state: str, ids: dict[str, Any]) -> None:
        self.call_at(at, partial(self._take_step, state, ids))

    def _take_step(self, state: str, ids: dict[str, Any], *, goes_on: bool = True) -> None:
        try:
            known = {"result": ids["JobResult"]} if "JobResult" in ids else {}
            answer = _FLOWS[state](
                self.services, ids["ExportId"], ids["Attempt"], ids["Admission"], **known
            )
        except TransientError:
            if goes_on:
                self._step_at(self.clock.now() + RETRY_SECONDS, state, ids)
            return
        if goes_on:
            self._go_on(ids, answer)

    def _go_on(self, ids: dict[str, Any], answer: Mapping[str, Any]) -> None:
        now, wait = self.clock.now(), answer["WaitSeconds"]
        match answer["Phase"]:
            case "RUNNING" | "WAITING":
                self._step_at(now + wait, "DescribeSnapshot", ids)
            case "NOT_STARTED":
                self._step_at(now + wait + STEP_SECONDS, "StartSnapshot", ids)
            case "ENDED":
                self._step_at(now + STEP_SECONDS, "CollectFiles", ids)


def _settings(slots: int, calls_per_second: float) -> Settings:
    names = (
        "TABLE_NAME", "EXPORT_BUCKET", "REJECTED_QUEUE_URL", "BURST_QUEUE_URL", "SCHEDULE_GROUP",
        "SCHEDULE_ROLE_ARN", "SCHEDULE_QUEUE_ARN", "SCHEDULE_DEAD_LETTER_ARN", "STATE_MACHINE_ARN",
        "SNAPSHOT_USER_ROLE_ARN", "EVENT_BUS_NAME",
    )  # fmt: skip
    numbers = {
        "QUICKSIGHT_ACCOUNT_ID": "000000000000",
        "QUICKSIGHT_REGION": "us-east-1",
        "COLLECT_FUNCTION_ARN": COLLECT_FUNCTION,
        "SNAPSHOT_JOB_LIMIT": str(slots),
        "RESERVED_SLOTS": "0",
        "CALLS_PER_SECOND": str(calls_per_second),
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

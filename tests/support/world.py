"""A small world in which the flows run for real, on virtual time.

DynamoDB, S3, SQS, EventBridge and Step Functions are moto's, in the process; QuickSight is the
project's own emulator over HTTP on the same virtual clock. The state machine is driven by `Driver`,
which takes the routes of statemachine/snapshot_export.asl.json (that file itself is run in
tests/statemachine and tests/e2e).
"""

from __future__ import annotations

import heapq
import itertools
import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import boto3

import snapshot_export.handlers.boundary  # noqa: F401  # the parent of the flows' loggers
from local.quicksight import OtherPlace, QuickSightServer
from local.quicksight import Settings as QuickSightSettings
from snapshot_export.adapters.collector import Collector, payload_of
from snapshot_export.adapters.executions import Executions, input_of
from snapshot_export.adapters.queues import BurstQueue
from snapshot_export.adapters.services import Measure, Services, make_services
from snapshot_export.adapters.table.listing import (
    BY_BURST,
    BY_RECIPIENT,
    BY_STATUS,
    LISTED_ATTRIBUTES,
)
from snapshot_export.adapters.table.records import ATTEMPT_PREFIX, Keys
from snapshot_export.domain.burst import Work
from snapshot_export.domain.export import Attempt, Export, Status
from snapshot_export.domain.target import DEFAULT_TARGET
from snapshot_export.flows.burst.work import work_on_burst
from snapshot_export.flows.export.admit import admit
from snapshot_export.flows.export.collect import collect
from snapshot_export.flows.export.hand_over import check_and_hand_over
from snapshot_export.flows.export.hint import hear
from snapshot_export.flows.export.start import start
from snapshot_export.flows.periodic.reconcile import reconcile_all
from snapshot_export.flows.take_message import accept_message
from snapshot_export.metric import Metric
from snapshot_export.settings import MailSettings, Settings, TargetSettings
from tests.support.hints import Delays, Notifications, in_time
from tests.support.quick_moto import read_partition

ACCOUNT = "000000000000"
REGION = "us-east-1"
OTHER_ACCOUNT = "111122223333"
OTHER_REGION = "eu-west-1"
OTHER_ROLE = f"arn:aws:iam::{OTHER_ACCOUNT}:role/snapshots"
OTHER_USER_ROLE = f"arn:aws:iam::{OTHER_ACCOUNT}:role/snapshot-user"
EXTERNAL_ID = "exports-4711"
ATHENA_ROLE = f"arn:aws:iam::{ACCOUNT}:role/recipients"
WORK_GROUP = "recipients"
PASSWORD_SECRETS = "snapshot-passwords/"
START_TIME = 1_800_000_000.0

BUCKET_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "quicksight.amazonaws.com"},
            "Action": ["s3:PutObject", "s3:GetBucketLocation"],
            "Resource": ["arn:aws:s3:::{bucket}", "arn:aws:s3:::{bucket}/*"],
        }
    ],
}


class Clock:
    """Virtual time: sleeping moves it."""

    def __init__(self) -> None:
        self.time = START_TIME

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class RecordedExecutions(Executions):
    """Step Functions, with the executions started since the last look."""

    def __init__(self, session: boto3.Session, machine: str) -> None:
        super().__init__(session.client("stepfunctions"), machine)
        self._machine_arn = machine
        self.started: list[tuple[str, dict[str, Any]]] = []

    def start(self, attempt: Attempt, target: str) -> None:
        super().start(attempt, target)
        arn = self._machine_arn.replace(":stateMachine:", ":execution:")
        self.started.append((f"{arn}:{attempt.execution_name}", input_of(attempt, target)))


class RecordedCollector(Collector):
    """The collect function, with the calls since the last look."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def collect(self, attempt: Attempt, target: str, result: Mapping[str, Any] | None) -> None:
        self.asked.append(payload_of(attempt, target, result))


class RecordedBurstQueue(BurstQueue):
    """The burst queue, with the messages sent since the last look."""

    def __init__(self, client: Any, url: str) -> None:
        super().__init__(client, url)
        self.sent: list[tuple[str, Work]] = []
        self.delays: dict[tuple[str, Work], int] = {}

    def send(self, burst_id: str, work: Work, *, delay_seconds: int = 0) -> None:
        super().send(burst_id, work, delay_seconds=delay_seconds)
        self.sent.append((burst_id, work))
        self.delays[burst_id, work] = delay_seconds


class World:
    """One deployment on virtual time, with a table, a bucket and queues of its own."""

    def __init__(
        self,
        session: boto3.Session,
        quicksight: QuickSightServer,
        clock: Clock,
        targets: Mapping[str, TargetSettings] | None = None,
        mail: MailSettings | None = None,
    ) -> None:
        self.session = session
        self.quicksight = quicksight
        self.clock = clock
        name = f"test-{uuid.uuid4().hex[:10]}"
        self.settings = Settings(
            table_name=f"{name}-t",
            export_bucket=name,
            rejected_queue_url=make_queue(session, f"{name}-r"),
            burst_queue_url=make_queue(session, f"{name}-b"),
            schedule_group=make_schedule_group(session, f"{name}-g"),
            schedule_role_arn=f"arn:aws:iam::{ACCOUNT}:role/{name}",
            schedule_queue_arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}-i",
            schedule_dead_letter_arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}-d",
            snapshot_user_role_arn=f"arn:aws:iam::{ACCOUNT}:role/{name}-user",
            state_machine_arn=_make_machine(session, name),
            event_bus_name="default",
            quicksight_account_id=ACCOUNT,
            quicksight_region=REGION,
            snapshot_job_limit=12,
            calls_per_second=8,
            expected_job_seconds=40,
            allowed_buckets=frozenset({"allowed-bucket"}),
            retention_days=30,
            targets=targets or {},
            athena_work_groups=frozenset({WORK_GROUP}),
            athena_role_arn=ATHENA_ROLE,
            password_prefix=PASSWORD_SECRETS,
            mail=mail,
            delivery_queue_url=make_queue(session, f"{name}-m") if mail else None,
        )
        make_queue(session, f"{name}-i")
        make_table(session, self.settings.table_name)
        make_bucket(session, name)
        self.measured: dict[Metric, list[float]] = defaultdict(list)
        self.measure: Measure = lambda metric, value: self.measured[metric].append(value)
        services = make_services(
            self.settings,
            session,
            now=clock.now,
            sleep=clock.sleep,
            measure=self._measure,
        )
        self.executions = RecordedExecutions(session, self.settings.state_machine_arn)
        self.burst_queue = RecordedBurstQueue(session.client("sqs"), self.settings.burst_queue_url)
        self.collector = RecordedCollector()
        self.services: Services = replace(
            services,
            executions=self.executions,
            burst_work=self.burst_queue,
            collector=self.collector,
        )
        self.notifications: Notifications | None = None
        self.keys = Keys(ACCOUNT, REGION)
        self.writes = 0
        self._count_writes()
        self.driver = Driver(self)

    def send(self, message: dict[str, Any] | str, message_id: str | None = None) -> Status:
        """Deliver one queue message, and admit as the intake function does."""
        body = message if isinstance(message, str) else json.dumps(message)
        outcome = accept_message(
            self.services,
            message_id=message_id or str(uuid.uuid4()),
            body=body,
            sent_at=self.clock.now(),
        )
        if outcome.target:
            admit(self.services.for_target(outcome.target))
        return outcome.status

    def notify(self, delays: Delays = in_time) -> None:
        """From now on S3 notifies of objects, as late as `delays` says."""
        self.notifications = Notifications(self, delays)

    def _measure(self, metric: Metric, value: float) -> None:
        self.measure(metric, value)

    def work_on_bursts(self) -> bool:
        """Do what the burst queue asks for until it is empty; True if there was something.

        Time goes on by the delay of a message.
        """
        worked = False
        while self.burst_queue.sent:
            burst_id, work = self.burst_queue.sent.pop(0)
            self.clock.time += self.burst_queue.delays.pop((burst_id, work), 0)
            work_on_burst(self.services, burst_id, work, stop_at=self.clock.now() + 600)
            worked = True
        return worked

    def export(self, export_id: str) -> Export:
        """The export's record; it must be there."""
        export = self.services.store.export(export_id)
        assert export is not None, f"no record of {export_id}"
        return export

    def rejected(self) -> list[dict[str, Any]]:
        """Messages of the rejected queue, with their reason parsed."""
        answer = self.session.client("sqs").receive_message(
            QueueUrl=self.settings.rejected_queue_url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
        )
        return [
            {
                "Body": message["Body"],
                "Reason": json.loads(message["MessageAttributes"]["Reason"]["StringValue"]),
                "MessageId": message["MessageAttributes"]["MessageId"]["StringValue"],
            }
            for message in answer.get("Messages", [])
        ]

    def take_intake(self) -> list[str]:
        """Deliver what was sent to the intake queue; answers the messages."""
        sqs = self.session.client("sqs")
        name = self.settings.schedule_queue_arn.rsplit(":", 1)[1]
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        taken: list[str] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                self.send(message["Body"], message["MessageId"])
                taken.append(message["Body"])
        return taken

    def check_invariants(self) -> None:
        """Promise 1 at any instant, for the gate of each target."""
        for name in self.services.targets.names:
            self._check_gate(self.settings.for_target(name))

    def _check_gate(self, settings: Settings) -> None:
        keys = Keys(settings.quicksight_account_id, settings.quicksight_region)
        items = read_partition(ACCOUNT, REGION, settings.table_name, keys.gate_partition)
        gate = items.get(keys.gate[1], {})
        running = int(gate.get("running", {"N": "0"})["N"])
        leases = [items[sk].get("holds_slot") for sk in items if sk.startswith(ATTEMPT_PREFIX)]
        assert running == leases.count({"BOOL": True})
        limit = gate.get("limit", {"N": settings.snapshot_job_limit})["N"]
        assert running <= int(limit)

    def _count_writes(self) -> None:
        """Count items written to the table, one for each item of a transaction."""

        def count(params: dict[str, Any], **_more: object) -> None:
            self.writes += len(params.get("TransactItems", [None]))

        events = self.services.store._table._client.meta.events
        for operation in ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"):
            events.register(f"provide-client-params.dynamodb.{operation}", count)

    def ledger(self, target: str = DEFAULT_TARGET) -> dict[str, Any]:
        """What the emulator saw in a target's account and region."""
        settings = self.settings.for_target(target)
        place = (settings.quicksight_account_id, settings.quicksight_region)
        return self.quicksight.emulator.ledger(place)

    def switch(self, kind: str, **description: Any) -> None:
        """Make the emulator misbehave."""
        self.quicksight.emulator.add_switch({"kind": kind, **description})


@dataclass(order=True)
class _Step:
    at: float
    number: int
    state: str = field(compare=False)
    execution_arn: str = field(compare=False)
    ids: dict[str, Any] = field(compare=False)


class Driver:
    """Runs the executions that were started, in the order of virtual time."""

    STATES: ClassVar[dict[str, Callable[[Services, str, int, int], dict[str, Any]]]] = {
        "StartSnapshot": start,
        "DescribeSnapshot": check_and_hand_over,
        "CollectFiles": collect,
    }

    def __init__(self, world: World) -> None:
        self._world = world
        self._queue: list[_Step] = []
        self._known: set[str] = set()
        self._numbers = itertools.count()
        self.ends: dict[str, str] = {}
        self.steps = 0

    def run(self, until: float | None = None, reconcile_every: float = 60.0) -> None:
        """Run until nothing moves (or until a time), the reconciler each minute in between."""
        idle = 0
        next_pass = self._world.clock.now() + reconcile_every
        while idle < 3:
            self._world.work_on_bursts()
            self._take_new()
            due = self._queue[0].at if self._queue else None
            if self._take_hints(min(due or next_pass, next_pass, until or next_pass)):
                continue
            if until is not None and min(due or next_pass, next_pass) > until:
                self._world.clock.time = max(self._world.clock.time, until)
                return
            if due is None or due > next_pass:
                self._world.clock.time = max(self._world.clock.time, next_pass)
                reconcile_all(self._world.services)
                next_pass = self._world.clock.now() + reconcile_every
                moves = self._world.work_on_bursts() or self._moves()
                idle = 0 if self._queue or moves else idle + 1
                continue
            step = heapq.heappop(self._queue)
            self._world.clock.time = max(self._world.clock.time, step.at)
            self._run_step(step)
            self._world.check_invariants()

    def _take_hints(self, until: float) -> bool:
        """Let the next object or hint come if that is before `until`; whether there was one."""
        notifications = self._world.notifications
        at = notifications.next_at() if notifications else None
        if notifications is None or at is None or at > until:
            return False
        self._world.clock.time = max(self._world.clock.time, at)
        for hint in notifications.take_due():
            hear(self._world.services, hint)
            self._world.check_invariants()
        for ids in self._world.collector.asked:
            services = self._world.services.for_target(ids.get("Target", DEFAULT_TARGET))
            collect(
                services,
                ids["ExportId"],
                ids["Attempt"],
                ids["Admission"],
                ids.get("JobResult"),
            )
        self._world.collector.asked.clear()
        return True

    def abort(self, export_id: str) -> None:
        """Stop the export's executions by hand, wherever they are."""
        for step in [step for step in self._queue if step.ids["ExportId"] == export_id]:
            self._queue.remove(step)
            self._end(step.execution_arn, "ABORTED")
        heapq.heapify(self._queue)

    def take_new(self) -> int:
        """Queue the first state of executions started since; answers how many wait."""
        self._take_new()
        return len(self._queue)

    def _moves(self) -> bool:
        self._take_new()
        return bool(self._queue)

    def _take_new(self) -> None:
        started = self._world.executions.started
        while started:
            arn, ids = started.pop(0)
            if arn not in self._known:
                self._known.add(arn)
                self._push(self._world.clock.now(), "StartSnapshot", arn, ids)

    def _push(self, at: float, state: str, arn: str, ids: dict[str, Any]) -> None:
        heapq.heappush(self._queue, _Step(at, next(self._numbers), state, arn, ids))

    def _run_step(self, step: _Step) -> None:
        self.steps += 1
        ids = step.ids
        answer = self.STATES[step.state](
            self._world.services.for_target(ids.get("Target", DEFAULT_TARGET)),
            ids["ExportId"],
            ids["Attempt"],
            ids["Admission"],
        )
        assert set(answer) - {"ErrorCode"} == {"ExportId", "Attempt", "Phase", "WaitSeconds"}
        phase = answer["Phase"]
        waits = {"RUNNING", "WAITING"}
        at = self._world.clock.now()
        if step.state == "StartSnapshot" or phase in waits:
            self._push(at + answer["WaitSeconds"], "DescribeSnapshot", step.execution_arn, ids)
        elif phase == "NOT_STARTED":
            self._push(at, "StartSnapshot", step.execution_arn, ids)
        elif phase == "ENDED":
            self._push(at, "CollectFiles", step.execution_arn, ids)
        else:
            self._end(step.execution_arn, phase)

    def _end(self, arn: str, how: str) -> None:
        self.ends[arn.rsplit(":", 1)[1]] = how
        self._world.session.client("stepfunctions").stop_execution(executionArn=arn)


def make_bucket(session: boto3.Session, name: str, region: str = REGION) -> None:
    """A bucket that QuickSight may write to."""
    client = session.client("s3", region_name=region)
    place: Any = {"LocationConstraint": region}
    elsewhere = {"CreateBucketConfiguration": place} if region != REGION else {}
    client.create_bucket(Bucket=name, **elsewhere)
    policy = json.dumps(BUCKET_POLICY).replace("{bucket}", name)
    client.put_bucket_policy(Bucket=name, Policy=policy)


def make_queue(session: boto3.Session, name: str) -> str:
    """A queue; answers its address."""
    return session.client("sqs").create_queue(QueueName=name)["QueueUrl"]


def make_schedule_group(session: boto3.Session, name: str) -> str:
    """A group of schedules; answers its name."""
    session.client("scheduler").create_schedule_group(Name=name)
    return name


def make_table(session: boto3.Session, name: str) -> None:
    """The table of the stack, with its indexes."""
    indexes: list[Any] = [
        {
            "IndexName": index,
            "KeySchema": [
                {"AttributeName": key, "KeyType": "HASH"},
                {"AttributeName": "listed_at", "KeyType": "RANGE"},
            ],
            "Projection": projection,
        }
        for index, key, projection in (
            (BY_STATUS, "status", _including("burst_id")),
            (BY_BURST, "burst_id", _including("status")),
            (BY_RECIPIENT, "recipient_id", {"ProjectionType": "KEYS_ONLY"}),
        )
    ]
    session.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("pk", "sk", "status", "burst_id", "recipient_id", "listed_at")
        ],
        GlobalSecondaryIndexes=indexes,
    )


def _including(other: str) -> Any:
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": [*LISTED_ATTRIBUTES, other]}


def _make_machine(session: boto3.Session, name: str) -> str:
    definition = {"StartAt": "Driven", "States": {"Driven": {"Type": "Succeed"}}}
    answer = session.client("stepfunctions").create_state_machine(
        name=name,
        definition=json.dumps(definition),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/driven",
    )
    return answer["stateMachineArn"]


@contextmanager
def quicksight_on(clock: Clock) -> Iterator[QuickSightServer]:
    """An emulator on virtual time that writes to moto's buckets.

    Beside its home it serves another region of the account, and another account.
    """
    others = (
        OtherPlace(account=ACCOUNT, region=OTHER_REGION),
        OtherPlace(
            account=OTHER_ACCOUNT, region=OTHER_REGION, role_arn=OTHER_ROLE, external_id=EXTERNAL_ID
        ),
    )
    settings = QuickSightSettings(
        account=ACCOUNT, region=REGION, others=others, athena_role=ATHENA_ROLE
    )
    with QuickSightServer(settings, clock=clock.now, sleep=clock.sleep) as server:
        yield server

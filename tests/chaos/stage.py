"""One deployment on virtual time, run through the real handlers: what dies is repeated as AWS does.

A queue message whose function died or refused it is delivered again after its visibility time; a
state's function by the Retry of the definition; an API call by its caller; the reconciler comes
each minute. Executions and burst messages are found in moto, where the product put them, and not
in the product's memory, which dies with it.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import boto3
from moto.sqs.models import sqs_backends
from moto.stepfunctions.models import stepfunctions_backends

from snapshot_export.adapters.collector import Collector, payload_of
from snapshot_export.adapters.services import Services, make_services
from snapshot_export.domain.export import Attempt
from snapshot_export.errors import SnapshotExportError, TransientError
from snapshot_export.handlers import (
    burst,
    collect,
    deliver,
    describe,
    hint,
    intake,
    move_starts,
    open_link,
    reconcile,
    start,
    step,
    warn_of_deadlines,
)
from snapshot_export.handlers.api import app, exchange
from tests.chaos.calls import Calls, Killed
from tests.chaos.machine import Machine
from tests.chaos.mails import Mails
from tests.chaos.wire import Wire
from tests.chaos.witness import Witness
from tests.support.api import event_of
from tests.support.world import ACCOUNT, REGION, Clock, World

INTAKE_VISIBILITY, BURST_VISIBILITY = 360.0, 960.0
"""Seconds until SQS delivers again: infra/intake.py, infra/bursts.py."""
RECEIVES = 5
CLIENT_WAIT, CLIENT_TRIES = 5.0, 12
MAX_PASSES = 90
"""Passes of the reconciler; by then everything moved, or never will."""
MAX_EVENTS = 3000
HANDLERS: dict[str, Any] = {
    "intake": intake.handler,
    "start": start.handler,
    "describe": describe.handler,
    "hint": hint.handler,
    "collect": collect.handler,
    "reconcile": reconcile.handler,
    "burst": burst.handler,
    "api": app.handler,
    "move_starts": move_starts.handler,
    "warn_of_deadlines": warn_of_deadlines.handler,
    "deliver": deliver.handler,
    "open_link": open_link.handler,
}
_MODULES = (
    intake, step, hint, reconcile, burst, exchange, move_starts, warn_of_deadlines, deliver,
    open_link,
)  # fmt: skip


class QuietWorld(World):
    """A world whose clients are shared with other worlds: it hangs nothing on them."""

    def _count_writes(self) -> None:
        pass


class Context:
    """What the handlers ask of Lambda's context."""

    aws_request_id = "request"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@dataclass
class _Execution:
    arn: str
    record: Any
    ids: dict[str, Any]
    tries: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """An invocation that gave no answer; `error` is the name that Step Functions sees."""

    error: str


class Stage:
    """Where a scenario is played. Scenarios put things on the agenda, then `run` plays them."""

    def __init__(
        self,
        session: boto3.Session,
        quicksight: Wire,
        clock: Clock,
        calls: Calls,
        limit: int,
        expected_seconds: float,
        retention_days: int,
    ) -> None:
        self.world = QuietWorld(session, quicksight, clock)  # type: ignore[arg-type]
        self.clock = clock
        self.calls = calls
        self.witness = Witness(self.world, limit)
        calls.on_effect = self.witness.on_effect
        self.settings = replace(
            self.world.settings,
            snapshot_job_limit=limit,
            expected_job_seconds=expected_seconds,
            retention_days=retention_days,
            collect_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:collect",
        )
        self.session = session
        self.machine = Machine()
        self.answers: list[tuple[str, int, Any]] = []
        self._environments: dict[str, Services] = {}
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._conditions: list[tuple[Callable[[], bool], Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._executions: dict[str, _Execution] = {}
        self.mails: Mails | None = None

    # What scenarios do.

    def send_mails(self, in_doubt: str, *, late: float = 1.0, links: bool = False) -> Mails:
        """From now on the deployment sends mails; before anything else is done."""
        self.mails = Mails(self, in_doubt, late, links=links)
        self.witness.hears_mail = self.mails.hear
        return self.mails

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something that many seconds from now."""
        entry = (self.clock.now() + seconds, next(self._numbers), action)
        heapq.heappush(self._agenda, entry)

    def when(self, condition: Callable[[], bool], action: Callable[[], None]) -> None:
        """Do something once, as soon as a condition holds."""
        self._conditions.append((condition, action))

    def deliver(self, *bodies: Any, name: str = "message") -> None:
        """Send messages to the intake queue; they come in one batch."""
        sent = self.clock.now()
        records = [
            _record(f"{name}-{number}", body, sent) for number, body in enumerate(bodies, start=1)
        ]
        self.at(0, lambda: self._take_in(records, 1))

    def call(self, method: str, url: str, body: Any = None, *, expect: tuple[int, ...]) -> None:
        """Call the API, again if there is no answer or a 5xx, as users do."""
        text = json.dumps(body) if body is not None else None
        event = event_of(method, url, text)
        self.at(0, lambda: self._call(f"{method} {url}", event, expect, CLIENT_TRIES))

    def abort(self, export_id: str) -> None:
        """Stop the export's executions by hand."""
        for execution in self._executions.values():
            if execution.ids["ExportId"] == export_id and execution.record.status == "RUNNING":
                execution.record.status = "ABORTED"

    def hint(self, export_id: str) -> None:
        """S3 notifies of an object that came for the export's present job."""
        with patch("moto.s3.models.utcnow", self._utc_now):
            self.world.quicksight.emulator.settle()
        nonce = self.witness.read().exports[export_id]["nonce"]
        detail = {
            "bucket": {"name": self.settings.export_bucket},
            "object": {"key": f"snapshots/{export_id}/{nonce}/file"},
        }
        time = datetime.fromtimestamp(self.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.invoke("hint", {"time": time, "detail": detail})

    def status(self, export_id: str) -> str:
        """The status of an export, "" if there is none."""
        return str(self.witness.read().exports.get(export_id, {}).get("status", ""))

    def attempt(self, export_id: str) -> dict[str, Any]:
        """The attempt record of an export, or {}."""
        return self.witness.read().attempts.get(export_id, {})

    def burst(self, burst_id: str) -> dict[str, Any]:
        """The record of a burst, or {}."""
        return self.witness.read().bursts.get(burst_id, {})

    # How it goes on.

    def run(self) -> None:
        """Play until nothing moves."""
        passes = 0
        next_pass = self.clock.now() + 60.0
        for _ in range(MAX_EVENTS):
            self._find_new()
            due = self._agenda[0][0] if self._agenda else None
            if due is not None and due <= next_pass:
                at, _, action = heapq.heappop(self._agenda)
                self.clock.time = max(self.clock.time, at)
                action()
                continue
            self.clock.time = max(self.clock.time, next_pass)
            next_pass = self.clock.now() + 60.0
            passes += 1
            self.invoke("reconcile", {"detail-type": "Scheduled Event"})
            self._find_new()
            quiet = not self._agenda and self.witness.is_quiet()
            quiet = quiet and (self.mails is None or self.mails.is_quiet())
            if quiet or passes == MAX_PASSES:
                break
        else:
            self.witness.note("it never comes to rest")
        if self._agenda:
            self.witness.note(f"{len(self._agenda)} things still move at the end")
        for _condition, action in self._conditions:
            self.witness.note(f"a step of the scenario was never reached: {action}")
        for text in self.calls.swallowed:
            self.witness.note(text)
        if self.mails is not None:
            self.mails.judge()

    def has_failed(self, function: str, event: Any) -> bool:
        """Invoke a function; whether it gave no answer."""
        return isinstance(self.invoke(function, event), Failure)

    def invoke(self, function: str, event: Any) -> Any:
        """One invocation; answers Failure where Lambda has none to give."""
        services = self._environments.get(function)
        if services is None:
            services = make_services(
                self.settings, self.session, now=self.clock.now, sleep=self.clock.sleep
            )
            if self.mails is not None:
                self.mails.equip(services)
            self._environments[function] = services
        try:
            with ExitStack() as stack:
                for module in _MODULES:
                    stack.enter_context(patch.object(module, "services_from_env", lambda: services))
                stack.enter_context(patch.object(Collector, "collect", self._collecting()))
                stack.enter_context(patch("moto.s3.models.utcnow", self._utc_now))
                stack.enter_context(self.calls.of_a_function(function))
                return HANDLERS[function](event, Context())
        except Killed:
            del self._environments[function]
            return Failure("Lambda.Unknown")
        except SnapshotExportError as error:
            return Failure(type(error).__name__)
        finally:
            self.witness.look()

    def _utc_now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC).replace(tzinfo=None)

    def _collecting(self) -> Callable[..., None]:
        """The call of the collect function, which moto has not, and then its invocation."""
        invoke = Collector.collect

        def collect(
            collector: Collector, attempt: Attempt, target: str, result: Mapping[str, Any] | None
        ) -> None:
            with suppress(TransientError):
                invoke(collector, attempt, target, result)
            payload = payload_of(attempt, target, result)
            self.at(0, lambda: self.invoke("collect", payload))

        return collect

    def _find_new(self) -> None:
        """Executions and burst messages that were made since; conditions that hold now."""
        for machine in stepfunctions_backends[ACCOUNT][REGION].state_machines:
            for record in machine.executions:
                if record.execution_arn not in self._executions:
                    execution = _Execution(
                        record.execution_arn, record, json.loads(record.execution_input)
                    )
                    self._executions[record.execution_arn] = execution
                    self.at(0, self._entering(execution, self.machine.first, execution.ids))
        queue = sqs_backends[ACCOUNT][REGION].queues[
            self.settings.burst_queue_url.rsplit("/", 1)[1]
        ]
        while queue._messages:
            body = queue._messages.pop(0).body
            self.at(0, self._working(body, 1))
        if self.mails is not None:
            self.mails.find_new()
        for waiting in [each for each in self._conditions if each[0]()]:
            self._conditions.remove(waiting)
            waiting[1]()

    def _take_in(self, records: list[dict[str, Any]], receives: int) -> None:
        answer = self.invoke("intake", {"Records": records})
        if not isinstance(answer, Failure):
            again = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
            records = [record for record in records if record["messageId"] in again]
        if records and receives == RECEIVES:
            self.witness.note(f"dead letters: {[each['messageId'] for each in records]}")
        elif records:
            self.at(INTAKE_VISIBILITY, lambda: self._take_in(records, receives + 1))

    def _working(self, body: str, receives: int) -> Callable[[], None]:
        def work() -> None:
            answer = self.invoke("burst", {"Records": [{"body": body}]})
            if isinstance(answer, Failure) and receives < RECEIVES:
                self.at(BURST_VISIBILITY, self._working(body, receives + 1))
            elif isinstance(answer, Failure):
                self.witness.note(f"dead letter of the burst queue: {body}")

        return work

    def _call(self, name: str, event: Any, expect: tuple[int, ...], tries: int) -> None:
        answer = self.invoke("api", event)
        failed = isinstance(answer, Failure) or answer["statusCode"] >= 500
        if failed and tries:
            self.at(CLIENT_WAIT, lambda: self._call(name, event, expect, tries - 1))
            return
        status = 0 if isinstance(answer, Failure) else answer["statusCode"]
        self.answers.append((name, status, None if not status else json.loads(answer["body"])))
        if status not in expect:
            self.witness.note(f"{name} answered {self.answers[-1]}")

    def _entering(
        self, execution: _Execution, state: str, document: dict[str, Any]
    ) -> Callable[[], None]:
        def enter() -> None:
            if execution.record.status != "RUNNING":
                return
            kind = self.machine.kind(state)
            if kind in ("Succeed", "Fail"):
                execution.record.status = "SUCCEEDED" if kind == "Succeed" else "FAILED"
            elif kind == "Wait":
                following = self.machine.following(state, document)
                wait = self.machine.wait(state, document)
                self.at(wait, self._entering(execution, following, document))
            elif kind == "Choice":
                self._entering(execution, self.machine.following(state, document), document)()
            else:
                self._do_task(execution, state, document)

        return enter

    def _do_task(self, execution: _Execution, state: str, document: dict[str, Any]) -> None:
        answer = self.invoke(self.machine.function(state), execution.ids)
        if not isinstance(answer, Failure):
            execution.tries = {}
            self.at(0, self._entering(execution, self.machine.following(state, answer), answer))
            return
        again = self.machine.retry_after(state, answer.error, execution.tries)
        if again is None:
            self.at(0, self._entering(execution, self.machine.caught(state), document))
        else:
            self.at(again, self._entering(execution, state, document))


def _record(message_id: str, body: Any, sent: float) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "receiptHandle": message_id,
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"SentTimestamp": str(round(sent * 1000)), "ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:intake",
        "awsRegion": REGION,
    }

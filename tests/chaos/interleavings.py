"""Functions interleaved at every call, against the real adapter: counter, leases and backlog hold.

Accept, admit, start, check, hint, collect, cancel and reconcile run at the same time, in an order
that Hypothesis chooses and shrinks; each function has a clock of its own, up to 5 s ahead or
behind, at instants that do not round. Replies are lost, functions die, QuickSight answers a
repeated step otherwise than before, the limit moves up and down, somebody else takes slots, and
days pass until records expire and ids are used again. Judged after every step; at the end every
export must come to its end. Mails have a machine of their own (outbox_orders.py).
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, ClassVar

import boto3
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from moto import mock_aws

from snapshot_export.adapters.services import Services, make_services
from snapshot_export.domain.hint import Hint, hint_of
from snapshot_export.domain.naming import raw_prefix
from snapshot_export.flows.export.admit import admit
from snapshot_export.flows.export.cancel import cancel
from snapshot_export.flows.export.collect import collect
from snapshot_export.flows.export.hand_over import check_and_hand_over
from snapshot_export.flows.export.hint import hear
from snapshot_export.flows.export.start import start
from snapshot_export.flows.periodic.reconcile import reconcile
from snapshot_export.flows.take_message import accept_message
from tests.chaos.actors import Actor, stepped
from tests.chaos.calls import Fate
from tests.chaos.outbox_orders import OutboxOrders
from tests.chaos.part import PartResult
from tests.chaos.stage import QuietWorld
from tests.chaos.theatre import connected
from tests.chaos.wire import Wire
from tests.chaos.witness import Witness
from tests.support.messages import message, visuals_group
from tests.support.quick_moto import quick_moto
from tests.support.sessions import SharedSession
from tests.support.world import REGION, START_TIME, Clock

LIMIT = 2
FUNCTION_SECONDS = 60.0
"""infra/functions.py: a function that lives longer is ended by Lambda."""
CALL_SECONDS = 0.002
MAX_ACTORS = 4
MAX_EXPORTS = 5
ROUNDS = 60
CLAIMS = frozenset(
    {
        "release without its condition",
        "start before lease",
        "<> for < in the gate",
        "counter and lease in two writes",
        "finish without its conditions",
        "a SnapshotJobId of each start's own",
        "the reconciler does not admit",
        "accept without its condition",
        "a mail's record changed without its condition",
    }
)
"""Bugs that the sample must catch (bugs.py)."""
CSV = visuals_group("CSV", "lines")
STEPS = {"start": start, "check": check_and_hand_over, "collect": collect}
HINT = "hint"
NUMBERS = st.integers(0, MAX_EXPORTS - 1)
SKEWS = st.sampled_from([0.0, 0.0, -5.0, 5.0, -1.7, 3.3])
"""Seconds that a function's clock is ahead of the others."""
INSTANTS = st.sampled_from([START_TIME, 1_795_650_629.1214995, 1_795_650_629.9999999])
"""Times that a table keeps otherwise than a program: six digits, a half, the next second."""
DAY = 86_400.0
REFUSALS = (
    ("StartDashboardSnapshotJob", "AccessDeniedException"),
    ("StartDashboardSnapshotJob", "ThrottlingException"),
    ("StartDashboardSnapshotJob", "InternalFailureException"),
    ("DescribeDashboardSnapshotJob", "AccessDeniedException"),
    ("DescribeDashboardSnapshotJob", "ResourceNotFoundException"),
    ("DescribeDashboardSnapshotJob", "ThrottlingException"),
    ("DescribeDashboardSnapshotJobResult", "AccessDeniedException"),
    ("DescribeDashboardSnapshotJobResult", "InternalFailureException"),
)
"""What QuickSight answers once in place of what it would have."""
FATES = st.sampled_from(
    [None, None, None, None, None, Fate.LOST, Fate.SILENT, Fate.AFTER, Fate.BEFORE]
)


class Interleavings(RuleBasedStateMachine):
    """The model is small: the ids that were sent, whether each was asked to be cancelled."""

    wire: ClassVar[Wire]
    clock: ClassVar[Clock]
    session: ClassVar[boto3.Session | None] = None
    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        random.seed(4)
        self.skew = 0.0
        self.clock.time = START_TIME
        self.wire.emulator.reset()
        self._entered = ExitStack()
        for each in (mock_aws(), quick_moto()):
            self._entered.enter_context(each)
        Interleavings.session = self.session or SharedSession(region_name=REGION)
        self.world = QuietWorld(self.session, self.wire, self.clock)  # type: ignore[arg-type]
        self.world.switch("job_seconds", seconds=18.0, times=9999)
        self.witness = Witness(self.world, LIMIT)
        self._entered.enter_context(stepped(self.clock.sleep))
        self.actors: list[Actor] = []
        self.sent: set[str] = set()
        self.cancelled: set[str] = set()
        self.may_fail = False
        self.counts["runs"] += 1

    # What begins.

    @initialize(
        count=st.integers(2, MAX_EXPORTS),
        done=st.sampled_from([None, "start", "check"]),
        instant=INSTANTS,
    )
    def begin_with(self, count: int, done: str | None, instant: float) -> None:
        """Some wait, run or are to be collected from the start."""
        self.clock.time = instant
        for number in range(count):
            self.sent.add(f"e{number}")
            self._alone(f"accept e{number}", _accepting(f"e{number}"))
        if done is not None:
            self._admit_all()
            for name, ids in self._attempts().items():
                self._alone(f"start {name}", _step("start", name, ids))
            self.clock.time += 19.0
        if done == "check":
            name, ids = min(self._attempts().items())
            self._alone(f"check {name}", _step("check", name, ids))

    @rule(number=NUMBERS)
    def accept(self, number: int) -> None:
        """A message is delivered, for the first time or again."""
        self.sent.add(f"e{number}")
        self._begin(f"accept e{number}", _accepting(f"e{number}"))

    @rule()
    def admit(self) -> None:
        """Somebody admits, as everybody does who frees a slot or accepts."""
        self._begin("admit", admit)

    @precondition(lambda self: self._attempts())
    @rule(number=NUMBERS, kind=st.sampled_from([*STEPS, HINT]))
    def do_step(self, number: int, kind: str) -> None:
        """A step of an execution, also one that is run twice at once or comes at a wrong time; or a
        hint of the attempt, wherever that is."""
        attempts = self._attempts()
        name = sorted(attempts)[number % len(attempts)]
        self._begin(f"{kind} {name}", _step(kind, name, attempts[name]))

    @precondition(lambda self: self._attempts())
    @rule(number=NUMBERS, calls=st.integers(0, 8))
    def do_step_twice_at_once(self, number: int, calls: int) -> None:
        """Two functions do the step that is due, side by side up to a call."""
        attempts = self._attempts()
        name = sorted(attempts)[number % len(attempts)]
        ids = attempts[name]
        kind = _due(ids)
        for _ in range(2):
            self._begin(f"{kind} {name}", _step(kind, name, ids))
        for actor in self.actors[-2:]:
            for _ in range(calls):
                if not actor.is_over:
                    self._step(actor, None)

    @precondition(lambda self: self.sent)
    @rule(number=NUMBERS)
    def cancel(self, number: int) -> None:
        """A user cancels an export."""
        name = sorted(self.sent)[number % len(self.sent)]
        self.cancelled.add(name)
        self._begin(f"cancel {name}", lambda services: cancel(services, name))

    @rule()
    def reconcile(self) -> None:
        """The reconciler's minute."""
        self._begin("reconcile", reconcile)

    # What goes on.

    @precondition(lambda self: self.actors)
    @rule(number=st.integers(0, MAX_ACTORS - 1), fate=FATES)
    def go_on(self, number: int, fate: Fate | None) -> None:
        """One function makes its next call."""
        actor = self.actors[number % len(self.actors)]
        self._step(actor, fate)

    @precondition(lambda self: self.actors)
    @rule(number=st.integers(0, MAX_ACTORS - 1))
    def run_through(self, number: int) -> None:
        """One function runs to its end while the others stand."""
        self._run_through(self.actors[number % len(self.actors)])

    # What changes around them.

    @rule(limit=st.sampled_from([0, 1, 2, 3, None]))
    def change_limit(self, limit: int | None) -> None:
        """A hand moves the limit."""
        self.world.services.store.change_gate({"limit": limit})
        self._judge(f"limit {limit}")

    @rule(skew=SKEWS)
    def change_clock(self, skew: float) -> None:
        """The functions that begin from here on run where the clock is ahead or behind."""
        self.skew = skew

    @rule(refusal=st.sampled_from(REFUSALS))
    def answer_otherwise(self, refusal: tuple[str, str]) -> None:
        """QuickSight refuses a call once; what it refuses for good fails an export."""
        operation, exception = refusal
        self.may_fail = self.may_fail or exception.startswith("AccessDenied")
        self.world.switch("raise_exception", Operation=operation, Exception=exception)

    @rule(error=st.sampled_from(["INTERNAL_FAILURE", "DATASET_DELETED"]))
    def fail_a_job(self, error: str) -> None:
        """The next job to end fails, for a reason that passes or for good."""
        self.may_fail = self.may_fail or error == "DATASET_DELETED"
        self.world.switch("fail_job", ErrorType=error)

    @precondition(lambda self: not self.actors and self.witness.is_quiet())
    @rule(days=st.sampled_from([1, 31, 91]))
    def let_days_pass(self, days: int) -> None:
        """QuickSight takes its ids again, records expire, Step Functions forgets names; the ids
        that are gone may be used again."""
        self.clock.time += days * DAY
        for name in self.witness.expire(self.clock.time):
            self.sent.discard(name)
            self.cancelled.discard(name)
        self._judge(f"{days} days")

    @rule(slots=st.integers(0, 12))
    def occupy(self, slots: int) -> None:
        """Somebody else takes slots, or leaves."""
        self.wire.emulator.vacate()
        self.wire.emulator.occupy(slots)

    @rule(seconds=st.sampled_from([1.0, 19.0, 21.0, 40.0, 61.0, 700.0]))
    def pass_time(self, seconds: float) -> None:
        """Time passes; Lambda ends the functions that take too long."""
        self.clock.time += seconds
        for actor in [*self.actors]:
            if self.clock.time - actor.began > FUNCTION_SECONDS:
                self._step(actor, Fate.BEFORE)

    def teardown(self) -> None:
        """Everything runs to its end, and every export has come to one."""
        try:
            if not self.witness.violations:
                self._come_to_rest()
        finally:
            for actor in self.actors:
                while not actor.is_over:
                    actor.step(Fate.BEFORE)
            self._entered.close()

    def _come_to_rest(self) -> None:
        for actor in [*self.actors]:
            self._run_through(actor)
        self.skew = 0.0
        self.world.services.store.change_gate({"limit": None})
        self.wire.emulator.vacate()
        self.wire.emulator.clear_switches()
        self.world.switch("job_seconds", seconds=18.0, times=9999)
        for name in sorted(self.sent):
            self._alone(f"accept {name}", _accepting(name))
        for turn in range(ROUNDS):
            if self.witness.is_quiet():
                break
            if turn % 3 == 0:
                self._alone("reconcile", reconcile)
            for name, ids in self._attempts().items():
                kind = _due(ids)
                self._alone(f"{kind} {name}", _step(kind, name, ids))
            self.clock.time += 20.0
        failed = "|FAILED" if self.may_fail else ""
        ends = {
            name: ("COMPLETED|CANCELLED" if name in self.cancelled else "COMPLETED") + failed
            for name in self.sent
        }
        jobs = len(self.world.ledger()["jobs"])
        self.counts["exports"] += len(ends)
        self.witness.judge_end(ends, range(jobs, jobs + 1), executions=False)
        self._judge("at rest")

    def _begin(self, name: str, flow: Callable[[Services], object]) -> Actor:
        if len(self.actors) == MAX_ACTORS:
            self._run_through(self.actors[0])
        skew = self.skew
        services = make_services(
            replace(self.world.settings, snapshot_job_limit=LIMIT),
            self.world.session,
            now=lambda: self.clock.now() + skew,
            sleep=self.clock.sleep,
        )
        self.counts["functions"] += 1
        actor = Actor(name, lambda: flow(services), self.witness.on_effect, self.clock.now())
        if not actor.is_over:
            self.actors.append(actor)
        self._judge(name, actor)
        return actor

    def _begin_step(self, kind: str, name: str) -> Actor:
        return self._begin(f"{kind} {name}", _step(kind, name, self._attempts()[name]))

    def _admit_all(self) -> None:
        self._alone("admit", admit)

    def _alone(self, name: str, flow: Callable[[Services], object]) -> None:
        self._begin(name, flow)
        for actor in [*self.actors]:
            self._run_through(actor)

    def _run_to(self, actor: Actor, call: str) -> None:
        """Up to a call, by a part of its place and operation."""
        while call not in str(actor.at):
            assert actor.at is not None, f"{actor.name} never came to {call}"
            self._step(actor, None)

    def _run_through(self, actor: Actor) -> None:
        while not actor.is_over:
            self._step(actor, None)

    def _step(self, actor: Actor, fate: Fate | None) -> None:
        told = f"{actor.name} {fate or 'does'} {actor.at}"
        self.counts["calls"] += 1
        self.counts["lost or killed"] += fate is not None
        self.clock.time += CALL_SECONDS
        actor.step(fate)
        if actor.is_over:
            self.actors.remove(actor)
        self._judge(told, actor)

    def _attempts(self) -> dict[str, dict[str, Any]]:
        return self.witness.read().attempts

    def _judge(self, what: str, actor: Actor | None = None) -> None:
        if actor is not None and actor.error is not None:
            raise AssertionError(f"{what}: {type(actor.error).__name__}") from actor.error
        self.witness.look()
        assert not self.witness.violations, f"{what}: {self.witness.violations[0]}"


def _accepting(name: str) -> Callable[[Services], object]:
    body = json.dumps(message(name, groups=[CSV], Priority=1 + int(name[1:]) % 3))
    return lambda services: accept_message(
        services, message_id=f"message-{name}", body=body, sent_at=START_TIME
    )


def _due(ids: dict[str, Any]) -> str:
    """The step that an attempt is to do next."""
    if not ids["holds_slot"]:
        return "collect"
    return "check" if "started_at" in ids else "start"


def _step(kind: str, name: str, ids: dict[str, Any]) -> Callable[[Services], object]:
    if kind == HINT:
        return lambda services: hear(services, _hint_of(services, name, str(ids["nonce"])))
    attempt, admission = int(ids["attempt"]), int(ids["admission"])
    return lambda services: STEPS[kind](services, name, attempt, admission)


def _hint_of(services: Services, name: str, nonce: str) -> Hint:
    bucket = services.settings.export_bucket
    hint = hint_of(bucket, f"{raw_prefix(name, nonce)}file.csv", services.now())
    assert hint is not None
    return hint


def run() -> PartResult:
    """Some hundred runs, other ones each time."""
    return explore(examples=300, steps=60, is_sample=False)


def sample() -> PartResult:
    """A few runs, the same each time; what they find is not shrunk."""
    return explore(examples=16, steps=40, is_sample=True)


def explore(*, examples: int, steps: int, is_sample: bool) -> PartResult:
    """Let Hypothesis look for an order of calls that breaks something."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=is_sample,
        deadline=None,
        database=None,
        print_blob=True,
        verbosity=Verbosity.quiet,
        phases=[Phase.generate] if is_sample else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    violations: list[str] = []
    fewer = settings(chosen, max_examples=examples // 4)
    machines: tuple[Any, ...] = ((Interleavings, chosen), (OutboxOrders, fewer))
    with connected() as (wire, clock):
        for machine, how in machines:
            machine.wire, machine.clock, machine.counts = wire, clock, Counter()
            try:
                run_state_machine_as_test(machine, settings=how)
            except Exception as error:
                notes = "\n".join(getattr(error, "__notes__", []))
                violations.append(f"{type(error).__name__}: {error}\n{notes}")
    counts, mails = Interleavings.counts, OutboxOrders.counts
    line = (
        f"interleavings: {counts['runs']} runs, {counts['functions']} functions, "
        f"{counts['calls']} calls, {counts['lost or killed']} lost or killed, "
        f"{counts['exports']} exports brought to their end; {mails['mails']} mails by "
        f"{mails['functions']} functions in {mails['calls']} calls, {mails['in doubt']} in doubt"
    )
    return PartResult(line, tuple(violations))

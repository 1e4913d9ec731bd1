"""One run: the stack behind two fault proxies, a workload, every trouble at once, the verdict."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from local.cloud import LocalCloud
from local.deployed import FINAL, Deployed
from local.quicksight_process import QuickSightSettings
from tests.chaos.part import PartResult
from tests.chaos.stack import troubles, verdict
from tests.chaos.stack.fault_proxy import FaultProxy
from tests.chaos.stack.faults import AWS_FAULTS, QUICKSIGHT_FAULTS
from tests.chaos.stack.messages import (
    count_left,
    in_waves,
    redrive,
    send_all,
    wait_until,
    watch_ends,
)
from tests.chaos.stack.watch import Watch
from tests.chaos.stack.workload import Workload, make_workload

LIMIT = 12
_TOLD = ("lost", "started twice", "over the limit", "left at the end")
VISIBILITY_SECONDS = 20
"""Of the intake queue, instead of 6 minutes: how soon what was not taken is delivered again."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How large a run is and how hard it is struck; pauses are (least, most) seconds.

    `wait_scale` scales the waits of the state machine, as `time_scale` does the jobs (a mean of
    40 s). `in_turn` strikes every n-th call, the first included, so that also a short run meets
    every fault. Troubles end when `calm_at` of all exports have ended; the faults go on.
    """

    exports: int
    seed: int
    time_scale: float = 0.04
    wait_scale: float = 0.3
    in_turn: bool = False
    waves: int = 5
    wave_seconds: float = 8.0
    kill: tuple[float, float] = (1.0, 5.0)
    most_kills: int = 60
    stop: tuple[float, float] = (2.0, 8.0)
    most_stops: int = 30
    occupy: tuple[float, float] = (5.0, 20.0)
    drop_events: tuple[float, float] = (10.0, 30.0)
    outage: tuple[float, float] = (8.0, 20.0)
    cancel: tuple[float, float] = (0.5, 3.0)
    clock: tuple[float, float] | None = None
    calm_at: float = 0.9
    stalled_seconds: float = 240.0

    def with_seed(self, seed: int) -> Plan:
        """The same plan with other chances."""
        return replace(self, seed=seed)


def run_plan(plan: Plan, state_dir: Path) -> PartResult:
    """Deploy, run, judge; logs are in `state_dir`."""
    quicksight = QuickSightSettings(limit=LIMIT, time_scale=plan.time_scale, seed=plan.seed)
    parameters = {"snapshotJobLimit": LIMIT, "expectedJobSeconds": 40 * plan.time_scale}
    with ExitStack() as stack:
        cloud = stack.enter_context(
            LocalCloud(state_dir, quicksight=quicksight, wait_scale=plan.wait_scale)
        )
        aws, before_quicksight = (
            stack.enter_context(FaultProxy(name, url, state_dir=state_dir, seed=plan.seed))
            for name, url in (
                ("proxy-aws", cloud.aws.endpoint_url),
                ("proxy-quicksight", cloud.quicksight.url),
            )
        )
        deployed = cloud.deploy(
            parameters,
            function_environment={
                "AWS_ENDPOINT_URL": aws.url,
                "AWS_ENDPOINT_URL_QUICKSIGHT": before_quicksight.url,
                "AWS_ENDPOINT_URL_STS": before_quicksight.url,
            },
        )
        assert cloud.aws.process is not None
        killer = troubles.Killer(plan.seed, plan.kill, cloud.aws.process, plan.most_kills)
        progress = state_dir / "progress.log"
        return _Run(plan, deployed, aws, before_quicksight, killer, progress).play()


class _Run:
    """The run of one plan on one deployment."""

    def __init__(
        self,
        plan: Plan,
        deployed: Deployed,
        aws: FaultProxy,
        quicksight: FaultProxy,
        killer: troubles.Killer,
        progress: Path,
    ) -> None:
        self._plan, self._deployed = plan, deployed
        self._progress = progress
        self._proxies = (aws, quicksight)
        self._chance = random.Random(f"{plan.seed}-run")
        self._work: Workload = make_workload(plan.exports, plan.seed)
        self._watch = Watch(deployed, LIMIT)
        self._killer = killer
        self._stopper = troubles.Stopper(plan.seed, plan.stop, deployed, plan.most_stops)
        self._occupier = troubles.Occupier(plan.seed, plan.occupy, deployed)
        self._dropper = troubles.EventDropper(plan.seed, plan.drop_events, deployed)
        self._repeater = troubles.Repeater(plan.seed, plan.cancel, deployed)
        self._canceller = troubles.Canceller(plan.seed, plan.cancel, deployed, self._work.to_cancel)
        outages = troubles.Outages(plan.seed, plan.outage, aws, quicksight)
        self._troubles: list[troubles.Trouble] = [
            killer, self._stopper, self._occupier, self._dropper, self._canceller, outages,
            self._repeater,
        ]  # fmt: skip
        if plan.clock:
            self._troubles.append(troubles.Clock(plan.seed, plan.clock, deployed))
        self._ids: dict[str, str] = {}
        self._ended: set[str] = set()
        self._accepted: set[str] = set()
        self._duplicates = 0
        self._redriven: list[str] = []
        for trouble in self._troubles:
            trouble.progress = lambda: len(self._ended) / plan.exports

    def play(self) -> PartResult:
        """The whole run."""
        ends_url = watch_ends(self._deployed)
        self._deployed.client("sqs").set_queue_attributes(
            QueueUrl=self._deployed.outputs["IntakeQueueUrl"],
            Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)},
        )
        for switch in self._work.switches:
            self._deployed.switch(switch)
        for proxy, faults in zip(self._proxies, (AWS_FAULTS, QUICKSIGHT_FAULTS), strict=True):
            proxy.strike(faults, in_turn=self._plan.in_turn)
        for thread in (self._watch, *self._troubles):
            thread.start()
        try:
            self._send()
            self._follow(self._plan.calm_at)
        finally:
            for trouble in self._troubles:
                if not isinstance(trouble, troubles.Clock | troubles.Canceller):
                    trouble.stop()
        self._deployed.occupy(0)
        self._send_late()
        self._follow(1.0)
        wait_until(lambda: not self._canceller.is_busy, 30)
        for trouble in self._troubles:
            trouble.stop()
        self._settle()
        self._watch.stop()
        return self._judge(ends_url)

    def _send(self) -> None:
        """Every message, a tenth of them twice, in an order of chance, over some waves."""
        bodies = [asked.body for asked in self._work.asked]
        named = [asked.body for asked in self._work.asked if asked.export_id]
        again = self._chance.sample(named, max(2, len(named) // 10))
        self._duplicates += len(again)
        by_body = {asked.body: asked for asked in self._work.asked}
        for wave in in_waves(
            [*bodies, *again, *self._work.refused], self._chance, self._plan.waves
        ):
            for message_id, body in zip(send_all(self._deployed, wave), wave, strict=True):
                asked = by_body.get(body)
                if asked is not None:
                    self._ids[asked.export_id or message_id] = body
                    if asked.export_id is None:
                        self._repeater.add(message_id, body)
            time.sleep(self._plan.wave_seconds)
            self._look()

    def _send_late(self) -> None:
        """Duplicates of what has ended, and ids that name another request."""
        wait_until(lambda: self._look() and self._accepted >= self._ids.keys(), 60)
        named = sorted(self._ended & {a.export_id for a in self._work.asked if a.export_id})
        late = self._chance.sample(named, max(1, len(named) // 20))
        self._duplicates += len(late)
        send_all(self._deployed, [*(self._ids[each] for each in late), *self._work.conflicts])

    def _look(self) -> bool:
        """Take note of what was accepted and of what has ended."""
        open_ids = [each for each in self._ids if each not in self._ended]
        for export_id, export in self._deployed.exports(open_ids).items():
            self._accepted.add(export_id)
            if export["status"] in FINAL:
                self._ended.add(export_id)
        self._note_progress()
        return True

    def _note_progress(self) -> None:
        """For whoever wonders what a run does; the last lines name what is left."""
        left = sorted(self._ids.keys() - self._ended)
        counts = f"{len(self._ids)} sent, {len(self._accepted)} accepted, {len(self._ended)} ended"
        strikes = ", ".join(f"{t.name} {t.strikes.total()}" for t in self._troubles)
        shown = f"; left: {', '.join(left)}" if len(left) <= 10 else ""
        with self._progress.open("a") as log:
            log.write(f"{time.strftime('%H:%M:%S')} {counts} ({strikes}){shown}\n")

    def _follow(self, share: float) -> None:
        """Wait until this share of all exports has ended, or nothing has moved for long."""
        moved_at, last = time.monotonic(), -1
        while len(self._ended) < share * len(self._work.asked):
            self._look()
            self._redriven += redrive(self._deployed)
            if len(self._ended) != last:
                last, moved_at = len(self._ended), time.monotonic()
            elif time.monotonic() - moved_at > self._plan.stalled_seconds:
                return
            time.sleep(1)

    def _settle(self) -> None:
        """Let what is under way come to rest: the queue, the executions, the records."""
        for proxy in self._proxies:
            proxy.calm()
        intake = self._deployed.outputs["IntakeQueueUrl"]
        wait_until(lambda: count_left(self._deployed, intake) == 0, 3 * VISIBILITY_SECONDS)
        self._redriven += redrive(self._deployed)
        wait_until(lambda: count_left(self._deployed, intake) == 0, 3 * VISIBILITY_SECONDS)
        wait_until(lambda: not self._executions("RUNNING"), 60)

    def _executions(self, status: str) -> list[datetime]:
        """When the executions of a status ended, or began if they run."""
        pages = (
            self._deployed.client("stepfunctions")
            .get_paginator("list_executions")
            .paginate(
                stateMachineArn=self._deployed.outputs["StateMachineArn"], statusFilter=status
            )
        )
        return [
            each.get("stopDate") or each["startDate"]
            for page in pages
            for each in page["executions"]
        ]

    def _dropped(self) -> int:
        """How many status events were not delivered: of executions that broke in a window."""
        broke = [*self._executions("ABORTED"), *self._executions("FAILED")]
        return sum(
            began <= moment.timestamp() <= over
            for moment in broke
            for began, over in self._dropper.windows
        )

    def _judge(self, ends_url: str) -> PartResult:
        evidence = verdict.gather(self._deployed, ends_url)
        want = {asked.body: asked.wanted for asked in self._work.asked}
        wanted = {export_id: want[body] for export_id, body in self._ids.items()}
        refused = [*self._work.refused, *self._work.conflicts]
        strikes = self._proxies[0].strikes() + Counter()
        strikes.update(self._proxies[1].strikes())
        violations = [
            *verdict.judge_exports(evidence, wanted, self._canceller.answers),
            *verdict.judge_jobs(evidence, wanted),
            *verdict.judge_refused(evidence, refused),
            *verdict.judge_left(evidence),
            *self._watch.wrong,
            *self._judge_troubles(strikes),
        ]
        return PartResult(self._line(evidence, strikes, violations), violations)

    def _judge_troubles(self, strikes: Mapping[str, int]) -> Iterator[str]:
        """A trouble that never struck proves nothing."""
        faults = {fault.name for fault in (*AWS_FAULTS, *QUICKSIGHT_FAULTS)}
        yield from (f"the fault never struck: {name}" for name in faults if not strikes[name])
        for trouble in self._troubles:
            yield from trouble.broken
            if not trouble.strikes.total():
                yield f"the trouble never struck: {trouble.name}"
        if self._watch.readings < 50:
            yield f"gate and leases were read {self._watch.readings} times only"
        unknown = set(self._redriven) - {
            *self._ids.values(), *self._work.refused, *self._work.conflicts
        }  # fmt: skip
        yield from (f"a dead letter that nobody sent: {body[:80]}" for body in unknown)

    def _line(
        self,
        evidence: verdict.Evidence,
        strikes: Mapping[str, int],
        violations: Sequence[str],
    ) -> str:
        ends = Counter(
            str(evidence.exports[each]["status"]).lower()
            for each in self._ids
            if each in evidence.exports
        )
        by_service: Counter[str] = Counter()
        for name, count in strikes.items():
            by_service[name.partition(" ")[0].partition(".")[0]] += count
        parts = (
            f"stack: {self._plan.exports} exports ({_list(ends)})",
            f"{len(evidence.ledger['jobs'])} jobs",
            f"faults fired {by_service.total()} ({_list(by_service)})",
            f"kills {self._killer.strikes.total()} ({_list(self._killer.strikes)})",
            f"stops {self._stopper.strikes.total()}",
            f"dropped events {self._dropped()}",
            f"slots taken {self._occupier.strikes.total()} times",
            f"delivered again {self._duplicates + self._repeater.strikes.total()}",
            f"refused {len(set(evidence.rejected))}",
            f"dead letters redriven {len(self._redriven)}",
            f"gate read {self._watch.readings} times, at most {self._watch.peak} running",
            f"throttled {evidence.ledger['summary']['throttled']}",
            *(f"{what} {sum(v.startswith(what) for v in violations)}" for what in _TOLD),
            f"seed {self._plan.seed}",
            f"broken {len(violations)}" if violations else "HELD",
        )
        return ", ".join(parts)


def _list(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))

"""`make bench-growth`: what an export costs with 100, 1,000, 10,000 and 100,000 waiting.

    python -m bench.growth --levels 100 1000 10000 100000

For each number of waiting exports a table of its own is filled, and 60 exports are run to their
end through the real flows and adapters. DynamoDB, S3, SQS, EventBridge and Step Functions are the
embedded account's, over HTTP; QuickSight is the project's emulator; time is virtual, so equal
backlogs give equal counts. Then one admission is timed, the levels in turn, on the real clock.
Exits 1 unless every count, and the time, is flat within 10 %.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import boto3
from rich.console import Console
from rich.table import Table

from bench.report import write_growth
from bench.requests import MOST, make_requests
from local.account import EmbeddedAws
from local.account.environment import ACCESS_KEY, REGION, SECRET_KEY
from local.command import run_command
from local.deployment import PROJECT_ROOT, WORK_DIR
from local.quicksight import QuickSightServer
from local.quicksight import Settings as QuickSightSettings
from snapshot_export.adapters.table.store import accept_writes
from snapshot_export.domain.backlog import rank_class, rank_of
from snapshot_export.domain.export import Export
from snapshot_export.domain.request import parse_request
from snapshot_export.flows.export.accept import export_of
from snapshot_export.flows.export.admit import admit
from snapshot_export.flows.export.poll import LONGEST_PAUSE_SECONDS, POLL_SECONDS
from tests.support.world import Clock, Driver, World

LEVELS = (100, 1_000, 10_000, 100_000)
ENDED = 60
TIMED = 40
TOLERANCE = 0.10
SEED = 7
_BATCH = 25
_DRIVEN = {
    "StartAt": "Driven",
    "States": {"Driven": {"Type": "Wait", "Seconds": 86_400, "End": True}},
}
"""The embedded machine only says that an execution runs; CountingDriver takes its steps."""

METHOD = (
    f"For each number of waiting exports, {ENDED} of them were run to their end through the real "
    "flows and adapters, against the embedded account's DynamoDB, S3, EventBridge and Step "
    "Functions over HTTP and the QuickSight emulator, on virtual time. Per export: calls of all "
    "services, items written, items read by queries (by which DynamoDB bills them), states "
    "entered, invocations of the machine's functions; those still under way at the end are in "
    "it, at every level alike. An admission (gate, backlog, transaction, "
    "start of the execution) is timed on the real clock after one slot was freed: the median of "
    f"{TIMED}, the levels in turn. The embedded table is patched to read a query's page only "
    "(local/account/tables.py), as DynamoDB does."
)


class CountingDriver(Driver):
    """Counts the states that the state machine would enter, and the functions it would invoke.

    The Driver makes each check a step of its own, since sleeping in one would hold up all. The
    describe function makes those that are close together in one invocation (flows/export/poll.py).
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.transitions = self.invocations = 0
        self._last: dict[str, str] = {}
        self._poll_until: dict[str, float] = {}

    def _push(self, at: float, state: str, arn: str, ids: dict[str, Any]) -> None:
        last, now = self._last.get(arn), self._world.clock.now()
        goes_on = (
            last == state == "DescribeSnapshot"
            and at - now <= LONGEST_PAUSE_SECONDS
            and at <= self._poll_until[arn]
        )
        if not goes_on:
            self.invocations += 1
            self.transitions += 1 + (state == "DescribeSnapshot") + _routes(last)
            self._poll_until[arn] = at + POLL_SECONDS
        super()._push(at, state, arn, ids)

    def _run_step(self, step: Any) -> None:
        self._last[step.execution_arn] = step.state
        super()._run_step(step)

    def _end(self, arn: str, how: str) -> None:
        self.transitions += 1 + _routes(self._last.get(arn))
        super()._end(arn, how)


def _routes(last: str | None) -> bool:
    """Whether RouteSnapshot follows this state."""
    return last not in (None, "StartSnapshot")


class QuietWorld(World):
    """A World that looks at nothing between the steps: what is counted is the flows' own."""

    def check_invariants(self) -> None:
        """Nothing: tests/flows checks it."""


@dataclass
class Meter:
    """A session whose clients call the embedded account, or QuickSight, and count."""

    endpoint: str
    quicksight: str
    calls: int = 0
    items_read: int = 0
    session: Any = field(init=False)

    def __post_init__(self) -> None:
        self.session = _Session(self)

    def count(self, parsed: dict[str, Any]) -> None:
        """One answered call."""
        self.calls += 1
        self.items_read += int(parsed.get("Count", 0)) if "ScannedCount" in parsed else 0


class _Session(boto3.Session):
    def __init__(self, meter: Meter) -> None:
        super().__init__(ACCESS_KEY, SECRET_KEY, region_name=REGION)
        self._meter = meter

    def client(self, service_name: str, *arguments: Any, **more: Any) -> Any:
        to_quicksight = service_name in ("quicksight", "sts")
        url = self._meter.quicksight if to_quicksight else self._meter.endpoint
        parent: Any = super()
        made = parent.client(service_name, *arguments, **more | {"endpoint_url": url})

        def count(model: Any, parsed: dict[str, Any], **_more: object) -> None:
            if model.name != "StopExecution":  # the driver's, in the state machine's place
                self._meter.count(parsed)

        made.meta.events.register("after-call", count)
        return made


@dataclass
class Level:
    """A deployment with many exports waiting, and what was counted in it."""

    waiting: int
    world: World
    meter: Meter
    counts: dict[str, float] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def row(self, first: Level) -> dict[str, float]:
        """Its line of the table; `first` is the level that others are compared with."""
        admission = median(self.seconds)
        return {
            "waiting": self.waiting,
            **{name: round(value, 3) for name, value in self.counts.items()},
            "admission_ms": round(admission * 1000, 2),
            "admission_ratio": round(admission / median(first.seconds), 3),
        }


def make_level(aws: EmbeddedAws, server: QuickSightServer, clock: Clock, waiting: int) -> Level:
    """A deployment of its own with `waiting` exports more than will be taken out."""
    meter = Meter(aws.endpoint_url, server.url)
    world = QuietWorld(meter.session, server, clock)
    world.driver = CountingDriver(world)
    meter.session.client("stepfunctions").update_state_machine(
        stateMachineArn=world.settings.state_machine_arn, definition=json.dumps(_DRIVEN)
    )
    fill(world, waiting)
    return Level(waiting, world, meter)


def fill(world: World, count: int) -> None:
    """Write what accepting each export writes, in batches: 100,000 messages would take long."""
    services = world.services
    bodies = [json.dumps(body) for body in make_requests(min(count, MOST))]
    requests = [parse_request(body, services.targets) for body in bodies]
    accepted = world.clock.now()

    def export(number: int) -> Export:
        request = replace(requests[number % len(requests)], export_id=f"w-{number:06}")
        export = export_of(services, request, "bench", accepted + number / 1000)
        of_class = rank_class(
            priority=export.priority, deadline=export.deadline, accepted_at=export.accepted_at
        )
        tag = 1000 * export.accepted_at
        return replace(export, rank=rank_of(of_class, tag, export_id=export.export_id))

    puts = (
        {"PutRequest": {"Item": write["Put"]["Item"]}}
        for number in range(count)
        for write in accept_writes(world.keys, export(number))
    )
    client: Any = world.session.client("dynamodb")

    def write(batch: list[dict[str, Any]]) -> None:
        answer = client.batch_write_item(RequestItems={world.settings.table_name: batch})
        assert not answer["UnprocessedItems"]

    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(write, _batches(puts)):
            pass


def _batches(items: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def run_exports(level: Level, count: int = ENDED) -> None:
    """Run until `count` exports have ended, and note what each cost."""
    world, driver = level.world, level.world.driver
    assert isinstance(driver, CountingDriver)
    world.quicksight.emulator.reset()
    random.seed(SEED)
    calls, read, writes = level.meter.calls, level.meter.items_read, world.writes
    began = world.clock.now()
    admit(world.services)
    while len(driver.ends) < count:
        driver.run(until=world.clock.now() + 1.0)
        if world.clock.now() - began > 40 * count:
            raise RuntimeError(f"{len(driver.ends)} of {count} ended: nothing moves")
    ended = len(driver.ends)
    level.counts = {
        "calls_per_export": (level.meter.calls - calls) / ended,
        "writes_per_export": (world.writes - writes) / ended,
        "items_read_per_export": (level.meter.items_read - read) / ended,
        "transitions_per_export": driver.transitions / ended,
        "invocations_per_export": driver.invocations / ended,
    }


def time_admission(level: Level) -> None:
    """Free one slot, and time the admission that fills it."""
    services = level.world.services
    _, attempts = services.store.in_flight()
    running = next(attempt for attempt in attempts if attempt.holds_slot)
    services.store.release(running, "COMPLETED", services.now(), services.now())
    began = time.perf_counter()
    admitted = admit(services)
    level.seconds.append(time.perf_counter() - began)
    assert admitted == 1


def find_growth(rows: Sequence[dict[str, float]]) -> list[str]:
    """The columns that grow or shrink over the levels by more than the tolerance."""
    names = [name for name in rows[0] if name not in ("waiting", "admission_ms")]
    return [
        name
        for name in names
        if any(abs(row[name] / rows[0][name] - 1) > TOLERANCE for row in rows if rows[0][name])
        or any(row[name] and not rows[0][name] for row in rows)
    ]


@contextmanager
def _servers(folder: Path) -> Iterator[tuple[EmbeddedAws, QuickSightServer, Clock]]:
    clock = Clock()
    with EmbeddedAws(folder) as aws:
        settings = QuickSightSettings(aws_endpoint=aws.endpoint_url, durations="by-viewer")
        with QuickSightServer(settings, clock=clock.now) as server:
            yield aws, server, clock


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write; 1 if anything grows."""
    parser = argparse.ArgumentParser(prog="make bench-growth")
    parser.add_argument("--levels", type=int, nargs="+", default=list(LEVELS))
    parser.add_argument("--no-write", dest="write", action="store_false", help="print only")
    chosen = parser.parse_args(arguments)
    os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as folder, _servers(Path(folder)) as servers:
        levels = []
        for waiting in chosen.levels:
            began = time.monotonic()
            level = make_level(*servers, waiting + ENDED + TIMED)
            run_exports(level)
            levels.append(replace(level, waiting=waiting))
            console.print(f"{waiting:,} waiting: {time.monotonic() - began:.0f} s")
        gc.collect()
        for _ in range(TIMED):
            for level in levels:
                time_admission(level)
    rows = [level.row(levels[0]) for level in levels]
    growing = find_growth(rows)
    verdict = (
        f"Grows by more than {TOLERANCE:.0%}: {', '.join(growing)}."
        if growing
        else f"Flat within {TOLERANCE:.0%}."
    )
    _print(console, rows, verdict)
    if chosen.write:
        write_growth({"method": METHOD, "levels": rows, "verdict": verdict}, PROJECT_ROOT)
        console.print("written: bench/growth.json, docs/benchmark.md")
    return 1 if growing else 0


def _print(console: Console, rows: Sequence[dict[str, float]], verdict: str) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(f"{value:,}" for value in row.values()))
    Console(width=max(console.width, 132), highlight=False).print(table)
    console.print(verdict)


if __name__ == "__main__":
    sys.exit(run_command(main, logs=str(WORK_DIR)))

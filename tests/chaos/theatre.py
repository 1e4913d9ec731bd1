"""Where scenarios are played: one emulator, one set of clients, a new world each time.

No thread and no socket: QuickSight's emulator is called with the bytes that would go to it over
HTTP, in the caller's thread. So a run is the same each time, and a process can be forked within it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from unittest.mock import patch

import boto3
from moto import mock_aws

from snapshot_export.adapters.measuring import metrics
from tests.chaos.calls import Call, Calls, Choice, hooked, spare
from tests.chaos.scenarios import Scenario
from tests.chaos.stage import Stage
from tests.chaos.wire import API, Wire
from tests.support.athena import athena
from tests.support.quick_moto import quick_moto
from tests.support.sessions import SharedSession
from tests.support.world import ACCOUNT, REGION, START_TIME, Clock

EXPECTED_SECONDS = 4.0
"""How long jobs are expected to take, in job times: so one or two polls find them running."""


Watch = Callable[[Stage], AbstractContextManager[object]]


@dataclass(frozen=True)
class Played:
    """One run of a scenario. `struck` is the call that the fate met, if it met one."""

    calls: tuple[Call, ...]
    struck: Call | None
    violations: tuple[str, ...]


class Theatre:
    """Plays scenarios, each time from nothing."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock
        self._session: boto3.Session | None = None

    def play(
        self, scenario: Scenario, choose: Choice = spare, watch: Watch = nullcontext
    ) -> Played:
        """Play a scenario; `choose` gives the calls their fates, `watch` is there meanwhile."""
        random.seed(4)
        self._clock.time = START_TIME
        self._wire.emulator.reset()
        calls = Calls(choose)
        with mock_aws(), quick_moto():
            self._session = self._session or SharedSession(region_name=REGION)
            stage = Stage(
                self._session,
                self._wire,
                self._clock,
                calls,
                scenario.limit,
                scenario.seconds * EXPECTED_SECONDS,
                scenario.retention_days,
            )
            stage.world.switch("job_seconds", seconds=scenario.seconds, times=999)
            with athena(), hooked(calls, self._clock.sleep), watch(stage):
                scenario.play(stage)
                stage.run()
            killed = calls.struck is not None
            stage.witness.judge_end(
                scenario.allowed_ends(killed=killed), scenario.allowed_jobs(killed=killed)
            )
            missing = scenario.refused - stage.witness.rejected_ids()
            if missing:
                stage.witness.note(f"refused and not kept: {sorted(missing)}")
        return Played(tuple(calls.made), calls.struck, tuple(stage.witness.violations))


@contextmanager
def theatre() -> Iterator[Theatre]:
    """A theatre."""
    with connected() as (wire, clock):
        yield Theatre(wire, clock)


@contextmanager
def connected() -> Iterator[tuple[Wire, Clock]]:
    """An emulator on a virtual clock; the environment is as the flow tests have it."""
    clock = Clock()
    metrics.provider.namespace = "SnapshotExport"
    with patch.dict(os.environ):
        for name in ("AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
            os.environ.pop(name, None)
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL_QUICKSIGHT": API,
            "AWS_ENDPOINT_URL_STS": API,
            "MOTO_ACCOUNT_ID": ACCOUNT,
            "POWERTOOLS_METRICS_DISABLED": "true",
        }
        with Wire(clock).connected() as wire:
            yield wire, clock

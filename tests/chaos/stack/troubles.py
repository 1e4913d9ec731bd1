"""What goes wrong during a run, each trouble in a thread of its own with a seed of its own."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

from botocore.exceptions import ClientError

from local.account.processes import ProcessIdentity
from local.deployed import Deployed
from tests.chaos.stack.fault_proxy import FaultProxy
from tests.chaos.stack.faults import OUTAGES
from tests.chaos.stack.messages import deliver_again
from tests.support.deployed_api import call_api

_STATUS_EVENT = "Step Functions Execution Status Change"
_READ_FROM_STDIN = ["0", "0x0"]


class Trouble(threading.Thread):
    """Strikes after pauses of `pause` seconds (least, most) until it is stopped.

    `strikes` counts what it did, `broken` holds what went wrong with the trouble itself;
    `progress` tells it how much of the run is over, from 0 to 1.
    """

    def __init__(self, seed: int, pause: tuple[float, float]) -> None:
        super().__init__(daemon=True, name=type(self).__name__)
        self.chance = random.Random(f"{seed}-{type(self).__name__}")
        self.strikes: Counter[str] = Counter()
        self.broken: list[str] = []
        self.progress: Callable[[], float] = lambda: 1.0
        self._pause = pause
        self._over = threading.Event()

    def strike(self) -> None:
        """Do harm once."""
        raise NotImplementedError

    def run(self) -> None:
        """Strike until stopped."""
        while not self._over.wait(self.chance.uniform(*self._pause)):
            try:
                self.strike()
            except Exception as error:
                self.broken.append(f"{self.name}: {type(error).__name__}: {error}")

    def is_ahead(self, most: int) -> bool:
        """Whether it did its share of `most` strikes for as much of the run as is over.

        So they spread over all of a run, however fast the machine is.
        """
        return self.strikes.total() >= most * min(1.0, 0.1 + self.progress())

    def stop(self) -> None:
        """Let a strike that is under way end, and strike no more."""
        self._over.set()
        self.join(60)

    @property
    def is_over(self) -> bool:
        """Whether it was stopped."""
        return self._over.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait inside a strike, for as long as the trouble goes on."""
        self._over.wait(seconds)


class Killer(Trouble):
    """kill -9 of a function's process while it works, not while it starts.

    What starts has done nothing yet, and killing it each time would let nothing ever begin: a
    process is fair game once it was seen to wait for an event.
    """

    def __init__(
        self, seed: int, pause: tuple[float, float], server: ProcessIdentity, most: int
    ) -> None:
        super().__init__(seed, pause)
        self._server = server
        self._most = most
        self._ready: set[int] = set()

    def strike(self) -> None:
        """Wait until one works, and kill it; `most` times in all."""
        while not self.is_ahead(self._most) and not self.is_over:
            workers = _workers_of(self._server.pid)
            self._ready &= {pid for pid, _ in workers}
            busy = [worker for worker in workers if not _waits_for_event(worker[0])]
            self._ready |= {pid for pid, _ in workers} - {pid for pid, _ in busy}
            at_work = sorted(worker for worker in busy if worker[0] in self._ready)
            if at_work:
                pid, function = self.chance.choice(at_work)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.strikes[function] += 1
                return
            self.sleep(0.02)


class Stopper(Trouble):
    """StopExecution of a running execution, by somebody's hand."""

    def __init__(
        self, seed: int, pause: tuple[float, float], deployed: Deployed, most: int
    ) -> None:
        super().__init__(seed, pause)
        self._deployed = deployed
        self._most = most

    def strike(self) -> None:
        """Stop one, until `most` were stopped."""
        if self.is_ahead(self._most):
            return
        states = self._deployed.client("stepfunctions")
        running = states.list_executions(
            stateMachineArn=self._deployed.outputs["StateMachineArn"], statusFilter="RUNNING"
        )["executions"]
        if running:
            chosen = self.chance.choice(sorted(each["executionArn"] for each in running))
            with suppress(ClientError):  # it ended meanwhile
                states.stop_execution(executionArn=chosen, error="Chaos", cause="by hand")
                self.strikes["stopped"] += 1


class Occupier(Trouble):
    """Somebody else in the account uses up to 6 slots for a stretch."""

    def __init__(self, seed: int, pause: tuple[float, float], deployed: Deployed) -> None:
        super().__init__(seed, pause)
        self._deployed = deployed

    def strike(self) -> None:
        """Take slots, and wait until they are given back."""
        seconds = self.chance.uniform(4, 12)
        self._deployed.occupy(self.chance.randint(1, 6), seconds)
        self.strikes["occupied"] += 1
        self.sleep(seconds)


class EventDropper(Trouble):
    """Status events of executions are lost for a while."""

    def __init__(self, seed: int, pause: tuple[float, float], deployed: Deployed) -> None:
        super().__init__(seed, pause)
        self._events = deployed.client("events")
        self._rule = self._find_rule()
        self.windows: list[tuple[float, float]] = []

    def _find_rule(self) -> str:
        rules = self._events.list_rules()["Rules"]
        (found,) = [r["Name"] for r in rules if _STATUS_EVENT in r.get("EventPattern", "")]
        return str(found)

    def strike(self) -> None:
        """Disable the rule, and enable it again."""
        began = time.time()
        self._events.disable_rule(Name=self._rule)
        self.strikes["windows"] += 1
        try:
            self.sleep(self.chance.uniform(8, 20))
        finally:
            self._events.enable_rule(Name=self._rule)
            self.windows.append((began, time.time()))


class Outages(Trouble):
    """Every call of one service fails for a second or two."""

    def __init__(
        self, seed: int, pause: tuple[float, float], aws: FaultProxy, quicksight: FaultProxy
    ) -> None:
        super().__init__(seed, pause)
        self._places = [(aws, outage) for outage in OUTAGES] + [
            (quicksight, {"service": "quicksight", "error": {"code": "InternalFailureException"}})
        ]

    def strike(self) -> None:
        """Break one service."""
        proxy, outage = self.chance.choice(self._places)
        proxy.break_service(outage, self.chance.uniform(0.5, 2.5))
        self.strikes[outage["service"]] += 1


class Canceller(Trouble):
    """Cancels exports through the API, in a random order, at random moments of their lives."""

    def __init__(
        self,
        seed: int,
        pause: tuple[float, float],
        deployed: Deployed,
        export_ids: Sequence[str],
    ) -> None:
        super().__init__(seed, pause)
        self._deployed = deployed
        self._left = list(export_ids)
        self.chance.shuffle(self._left)
        self.answers: dict[str, str] = {}

    @property
    def is_busy(self) -> bool:
        """Whether some were not answered yet."""
        return bool(self._left)

    def strike(self) -> None:
        """Ask once for one; it is asked for again later unless the API gave a clear answer."""
        if not self._left:
            return
        export_id = self._left.pop()
        try:
            answer = call_api(self._deployed, "DELETE", f"/exports/{export_id}")
        except urllib.error.HTTPError as error:
            if error.code != 409:
                self._left.insert(0, export_id)
                return
            self.answers[export_id] = "ENDED"
        except OSError:
            self._left.insert(0, export_id)
            return
        else:
            self.answers[export_id] = str(answer["Status"])
        self.strikes["answered"] += 1


class Repeater(Trouble):
    """Delivers messages once more that were delivered already, under their own ids."""

    def __init__(self, seed: int, pause: tuple[float, float], deployed: Deployed) -> None:
        super().__init__(seed, pause)
        self._deployed = deployed
        self._left: list[tuple[str, str]] = []

    def add(self, message_id: str, body: str) -> None:
        """Repeat this one some time."""
        self._left.append((message_id, body))

    def strike(self) -> None:
        """Repeat one."""
        if self._left:
            message_id, body = self._left.pop(self.chance.randrange(len(self._left)))
            deliver_again(self._deployed, message_id, body)
            self.strikes["repeated"] += 1


class Clock(Trouble):
    """Calls the reconcile function more often than its rule's minute, for runs that are short."""

    def __init__(self, seed: int, pause: tuple[float, float], deployed: Deployed) -> None:
        super().__init__(seed, pause)
        self._lambda = deployed.client("lambda")
        names = [each["FunctionName"] for each in self._lambda.list_functions()["Functions"]]
        (self._function,) = [name for name in names if "ReconcileFunction" in name]

    def strike(self) -> None:
        """One pass; that it may fail is what the next is for."""
        self._lambda.invoke(FunctionName=self._function, Payload=b'{"detail-type": "Clock"}')
        self.strikes["passes"] += 1


def _workers_of(server: int) -> list[tuple[int, str]]:
    """Pids and functions of the processes in which the embedded account runs functions."""
    children = chain.from_iterable(
        path.read_text().split() for path in Path(f"/proc/{server}/task").glob("*/children")
    )
    found = []
    for pid in children:
        with suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            if "_worker.py" in command:
                name = command.partition("SnapshotExport-")[2].partition("Function")[0]
                found.append((int(pid), name))
    return found


def _waits_for_event(pid: int) -> bool:
    """Whether a worker reads from its standard input, where its events come from."""
    try:
        return (
            Path(f"/proc/{pid}/syscall").read_text(encoding="utf-8").split()[:2] == _READ_FROM_STDIN
        )
    except OSError:
        return True

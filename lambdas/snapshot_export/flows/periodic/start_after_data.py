"""Start what waits for data, once the data is there, or do with it what it says for otherwise.

Every minute. The groups are read, not their members (adapters/table/data_waits.py), and each data
set is asked for once in a pass, whatever number of groups wait for it: in its turn under the call
budget, and at most CALLS_PER_SECOND, which ListIngestions takes of one user. Groups whose time is
up come first; of the others another one begins each minute, so that none is left out for long where
a pass cannot ask for all.

Order of writes: what is decided of a group is kept on it before its first member moves, so a pass
that dies goes on with the same decision. Each member moves by itself (flows/data/move.py). A group
is removed once it has no members, unless somebody joined since it was read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.adapters.table.data_waits import WaitGroup
from snapshot_export.domain.data_wait import (
    DataDecision,
    DataSetState,
    Readiness,
    decide,
)
from snapshot_export.domain.ingestions import (
    DIRECT_QUERY,
    Ingestion,
    judge_direct,
    judge_refreshes,
    judge_unreadable,
)
from snapshot_export.errors import (
    ConditionFailedError,
    JobNotFoundError,
    NoTurnError,
    QuickSightError,
    RefusedError,
    TransientError,
)
from snapshot_export.flows.data.move import move_member
from snapshot_export.flows.export.admit import try_admit

CALLS_PER_SECOND = 5.0
MAX_MOVED = 1000
"""Of one pass."""
PATIENCE_SECONDS = 5.0
UNKNOWN_SECONDS = 600.0
"""What could not be asked for is decided all the same so long after its time is up."""

Answer = TypeVar("Answer")

logger = Logger(child=True)


def start_after_data(services: Services, *, stop_at: float) -> int:
    """One pass over what waits at one target, until `stop_at` (epoch seconds). Answers how many
    exports and bursts moved."""
    groups = services.waits.groups()
    readings = _Readings(services, stop_at)
    left = MAX_MOVED
    for group in _in_turn(groups, services.now()):
        decision = group.decision or _decide(services, group, readings)
        if decision is not None and left > 0:
            left -= _move(services, group, decision, left, stop_at)
    moved = MAX_MOVED - left
    if moved:
        try_admit(services)
    return moved


def _in_turn(groups: list[WaitGroup], now: float) -> list[WaitGroup]:
    first = [each for each in groups if each.decision or now >= each.wait.until]
    rest = [each for each in groups if each not in first]
    begin = int(now // 60) % len(rest) if rest else 0
    return [*first, *rest[begin:], *rest[:begin]]


def _decide(services: Services, group: WaitGroup, readings: _Readings) -> DataDecision | None:
    wait, now = group.wait, services.now()
    judged = {each: readings.judge(each, group) for each in wait.data_sets}
    modes = {each: readings.modes[each] for each in wait.data_sets if each in readings.modes}
    try:
        states = tuple(state for state in judged.values() if state is not None)
        if len(states) < len(judged):
            if now < wait.until + UNKNOWN_SECONDS:
                return None
            states = tuple(state or _unknown(each) for each, state in judged.items())
        decision = decide(wait, states, now)
        if decision is None:
            if modes.keys() - group.modes.keys():
                services.waits.note_modes(group, {**group.modes, **modes})
            return None
        decision = services.waits.decide(group, decision)
        readings.learn(decision)
    except ConditionFailedError:
        logger.info("group left out", reason="removed elsewhere", group=wait.group)
        return None
    logger.info(
        "data judged",
        reason=decision.outcome.value,
        group=wait.group,
        data_sets=[each.text for each in decision.data_sets],
    )
    return decision


def _move(
    services: Services, group: WaitGroup, decision: DataDecision, most: int, stop_at: float
) -> int:
    members = list(services.waits.members(group, most))
    for number, member in enumerate(members):
        if services.now() >= stop_at:
            return number
        move_member(services, group.wait, member, decision)
    if len(members) < most:
        try:
            services.waits.remove(group)
        except ConditionFailedError:
            logger.info("group kept", reason="somebody joined", group=group.wait.group)
    return len(members)


class _Readings:
    """What QuickSight says of data sets, each asked for once in a pass."""

    def __init__(self, services: Services, stop_at: float) -> None:
        self._services = services
        self._stop_at = stop_at
        self._called_at = 0.0
        self._refreshes: dict[str, tuple[Ingestion, ...] | DataSetState | None] = {}
        self.modes: dict[str, str] = {}
        self._learned: set[str] = set()

    def judge(self, data_set_id: str, group: WaitGroup) -> DataSetState | None:
        """The data set as of a group, or None if it could not be asked for now."""
        known = group.modes.get(data_set_id)
        if known is not None:
            self.modes.setdefault(data_set_id, known)
        if data_set_id not in self._refreshes:
            self._refreshes[data_set_id] = self._read(data_set_id)
        found = self._refreshes[data_set_id]
        if found is None or isinstance(found, DataSetState):
            return found
        return judge_refreshes(data_set_id, group.wait, found)

    def learn(self, decision: DataDecision) -> None:
        """How long the refreshes took that were decided by, each once in a pass. For ReadyBy: what
        was decided stands whatever happens here."""
        for state in decision.data_sets:
            if state.refresh_seconds is None or state.data_set_id in self._learned:
                continue
            self._learned.add(state.data_set_id)
            try:
                self._services.refreshes.learn(state.data_set_id, state.refresh_seconds)
            except TransientError as error:
                logger.warning("not learned", reason=str(error), data_set_id=state.data_set_id)

    def _read(self, data_set_id: str) -> tuple[Ingestion, ...] | DataSetState | None:
        quicksight = self._services.quicksight
        operation = "DescribeDataSet"
        try:
            if data_set_id not in self.modes:
                self.modes[data_set_id] = self._ask(
                    lambda: quicksight.import_mode(data_set_id, patience=PATIENCE_SECONDS)
                )
            if self.modes[data_set_id] == DIRECT_QUERY:
                return judge_direct(data_set_id)
            operation = "ListIngestions"
            return self._ask(lambda: quicksight.ingestions(data_set_id, patience=PATIENCE_SECONDS))
        except (RefusedError, JobNotFoundError) as error:
            logger.warning(
                "data set not readable",
                reason=f"{operation}: {error.code}",
                data_set_id=data_set_id,
            )
            return judge_unreadable(data_set_id, operation, error.code)
        except (NoTurnError, QuickSightError, TransientError) as error:
            logger.info("data set not asked for", reason=str(error), data_set_id=data_set_id)
            return None

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        wait = self._called_at + 1.0 / CALLS_PER_SECOND - self._services.now()
        self._services.sleep(max(0.0, wait))
        if self._services.now() >= self._stop_at:
            raise NoTurnError("the time of the pass is up")
        try:
            return call()
        finally:
            self._called_at = self._services.now()


def _unknown(data_set_id: str) -> DataSetState:
    return DataSetState(
        data_set_id=data_set_id,
        readiness=Readiness.NOT_YET,
        reason="QuickSight could not be asked",
    )

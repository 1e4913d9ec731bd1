"""Every crash point: each call of each scenario, killed before it and after it took effect.

After one call and before the next of the same invocation is one instant, tried once: what the
function did between them died with it. So each call is killed after, and the first before too.
Also: the reply lost, so that botocore repeats the call; and all replies lost, so that the function
lives on in error. `python -m tests.chaos.points SCENARIO NUMBER FATE` plays one again.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from zlib import crc32

from tests.chaos.branches import Branches, Outcome
from tests.chaos.calls import Call, Fate, spare
from tests.chaos.one_file import ONE_FILE
from tests.chaos.part import PartResult
from tests.chaos.scenarios import MAILED, SCENARIOS, Scenario
from tests.chaos.theatre import Theatre, theatre

ALL = (*SCENARIOS, *ONE_FILE, *MAILED)
KILLS = (Fate.BEFORE, Fate.AFTER)
CLAIMS = frozenset(
    {
        "start before lease",
        "<> for < in the gate",
        "cache of the guard kept too long",
        "counter and lease in two writes",
        "a SnapshotJobId of each start's own",
        "the reconciler does not admit",
        "the reconciler restarts no execution",
        "the event after the end",
        "the next attempt queued in two writes",
        "the ends of a retry uncounted in a write of their own",
        "a refused message is not kept",
        "a wrong message is delivered again",
        "records noted as kept before they are",
        "a revoked link opens",
    }
)
"""Bugs that the sample must catch (bugs.py). One function at a time cannot show those of races."""
SAMPLED = tuple(each for each in ALL if each.name != "mailed_again")
"""Of `mailed_again`, nearly all of 1,700 calls wait for SES's events."""
FatesOf = Callable[[Call], Iterable[Fate]]
_READS = ("Get", "Query", "BatchGet", "Describe", "List", "Head")


@dataclass(frozen=True)
class Survey:
    """All that was tried of one scenario."""

    scenario: Scenario
    calls: int
    violations: tuple[str, ...]
    outcomes: tuple[Outcome, ...]

    def told(self) -> list[str]:
        """Each violation with how to see it again."""
        name = self.scenario.name
        return [f"{name}, nothing killed: {text}" for text in self.violations] + [
            f"{name} {each.call.number} {each.fate.name}: {each.fate} {each.call}: {text}"
            for each in self.outcomes
            for text in each.violations[:2]
        ]


def fates_of(call: Call) -> Iterable[Fate]:
    """Kills at every instant; lost replies where the call may have changed something.

    Calls to QuickSight are not repeated by botocore, so there all replies are the one.
    """
    if call.is_first:
        yield Fate.BEFORE
    yield Fate.AFTER
    service, _, name = call.operation.partition(".")
    if service == "quicksight" or not name.startswith(_READS):
        yield Fate.LOST
    if service != "quicksight" and not name.startswith(_READS):
        yield Fate.SILENT


class Sample:
    """A fixed part of all fates: every operation and transaction, of other places one in some."""

    ONE_IN = 9

    def __init__(self) -> None:
        self._operations: set[str] = set()
        self._places: set[tuple[str, str]] = set()

    def fates_of(self, call: Call) -> Iterable[Fate]:
        """The chosen fates of a call; those of a place only where it is first called."""
        key = (call.place, call.operation)
        if key in self._places:
            return
        self._places.add(key)
        is_new = call.operation not in self._operations or call.operation.endswith(
            "TransactWriteItems"
        )
        self._operations.add(call.operation)
        for fate in fates_of(call):
            is_chosen = crc32(f"{key} {fate}".encode()) % self.ONE_IN == 0
            if is_chosen or (is_new and fate is Fate.AFTER):
                yield fate


def survey(stage: Theatre, scenario: Scenario, fates: FatesOf = fates_of) -> Survey:
    """Play a scenario, and at each call each of its fates in a copy of the process."""
    branches = Branches(fates)
    gc.collect()
    gc.freeze()
    try:
        played = stage.play(scenario, branches.choose)
    except BaseException:
        branches.break_off()
        raise
    branches.end(played.violations)
    return Survey(scenario, len(played.calls), played.violations, tuple(branches.outcomes))


def run() -> PartResult:
    """All scenarios, every call, every fate."""
    return _tell(ALL, fates_of, stop_at_first=False)


def sample() -> PartResult:
    """A fixed part of the fates, up to the first violation: for `make test`."""
    return _tell(SAMPLED, Sample().fates_of, stop_at_first=True)


def _tell(scenarios: Iterable[Scenario], fates: FatesOf, *, stop_at_first: bool) -> PartResult:
    surveys: list[Survey] = []
    with theatre() as stage:
        stage.play(SCENARIOS[0])  # makes the clients, which the copies then share
        for scenario in scenarios:
            surveys.append(survey(stage, scenario, fates))
            if stop_at_first and surveys[-1].told():
                break
    outcomes = [each for one in surveys for each in one.outcomes]
    kills = [each for each in outcomes if each.fate in KILLS]
    lost = [each for each in outcomes if each.fate not in KILLS]
    line = (
        f"crash points: {len(kills)}, survived: {_survived(kills)}; "
        f"lost replies: {len(lost)}, survived: {_survived(lost)} "
        f"({sum(one.calls for one in surveys)} calls in {len(surveys)} scenarios)"
    )
    return PartResult(line, tuple(text for one in surveys for text in one.told()))


def _survived(outcomes: list[Outcome]) -> int:
    return sum(not each.violations for each in outcomes)


def main() -> int:
    """Play one point again, with the calls around it."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.points", description=__doc__)
    parser.add_argument("scenario", choices=[each.name for each in ALL])
    parser.add_argument("number", type=int, nargs="?")
    parser.add_argument("fate", choices=[each.name for each in Fate], nargs="?", default="AFTER")
    chosen = parser.parse_args()
    (scenario,) = (each for each in ALL if each.name == chosen.scenario)

    def choose(call: Call) -> Fate | None:
        return Fate[chosen.fate] if call.number == chosen.number else None

    with theatre() as stage:
        played = stage.play(scenario, spare if chosen.number is None else choose)
    for call in played.calls:
        print(f"{'>>' if call is played.struck else '  '} {call}")
    for text in played.violations:
        print(f"VIOLATION {text}")
    return 1 if played.violations else 0


if __name__ == "__main__":
    sys.exit(main())

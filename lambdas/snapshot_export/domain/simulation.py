"""When jobs will end: list scheduling over the free slots, drawn many times.

Each draw lets the jobs in by their order, as the gate does, with times drawn from what was learned.
Far before the ends that are asked for, single jobs do not matter: there the slots take the sum of
the work (a normal approximation, for all but the last WINDOW jobs before each end asked for).
Two doubts are the same for all jobs of a draw, and so do not average out over many: how far the
median of a dashboard may be off (its `doubt`), and how QuickSight is today (TODAY_SPREAD).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from random import Random
from statistics import NormalDist

from snapshot_export.domain.durations import Expectation
from snapshot_export.domain.slots import Slots

TODAY_SPREAD = 0.03
"""How far all dashboards together may be off today (of the logarithm)."""
OVERHEAD_SPREAD = 0.25
"""How far the learned overhead of a job may be off (of the logarithm)."""
WINDOW = 1000
"""Jobs before an end that are simulated one by one."""
_POOL = 1 << 13
_NORMAL = NormalDist()

Kind = tuple[str, str]
"""Dashboard and formats: jobs alike in both take alike long. Formats of several jobs that an export
needs one after another (parts.IN_TURN) are one job that takes as long as all of them: the next is
at the front of the backlog when the one before has ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedJob:
    """A snapshot job that runs (`age` in seconds) or waits (`age` None).

    `rank` is its place in the backlog; it is not admitted before `due_at` (epoch seconds).
    """

    export_id: str
    kind: Kind
    burst_id: str | None = None
    deadline: float | None = None
    age: float | None = None
    due_at: float = 0.0
    rank: str = ""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What the gate has before it at `now` (epoch seconds).

    `running` hold slots; `waiting` are in the order in which they are admitted, not before
    `not_before`. `overhead` is what a slot is held beyond its job (seconds), `collecting` what lies
    between QuickSight's end of a job, as seen by a poll, and the end of its export; `between`, what
    lies between two jobs of one export, is in their expectations.
    """

    now: float
    slots: int
    running: Sequence[SimulatedJob]
    waiting: Sequence[SimulatedJob]
    expectations: Mapping[Kind, Expectation]
    not_before: float = 0.0
    calls_per_second: float = 5.0
    overhead: float = 1.0
    collecting: float = 0.0
    between: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Jobs that are submitted at `at` (epoch seconds), behind `ahead` others of the backlog.

    `jobs` are in the order in which they are admitted, and so with others among them that wait now
    and share the slots with those submitted, which are at the positions `own`.
    """

    at: float
    jobs: Sequence[SimulatedJob]
    ahead: int
    own: tuple[int, ...]

    def alone(self) -> Proposal:
        """The same in an empty backlog."""
        jobs = [self.jobs[index] for index in self.own]
        return replace(self, jobs=jobs, ahead=0, own=tuple(range(len(jobs))))


@dataclass(frozen=True)
class Group:
    """Jobs whose last end is asked for: positions in running, waiting and proposed together.

    No positions mean all. `beyond` more jobs, as long as the others on average, follow the last.
    """

    positions: tuple[int, ...]
    beyond: int = 0


def simulate(
    situation: Situation,
    groups: Sequence[Group],
    *,
    draws: int,
    seed: int,
    proposal: Proposal | None = None,
) -> list[list[float]]:
    """The end of each group (epoch seconds) in each draw, sorted. Equal arguments, equal answers.

    There must be a slot. With a proposal only what decides about its jobs is simulated: the end of
    jobs behind them is not to be asked for then.
    """
    simulation = _Simulation(situation, proposal, draws, seed, groups)
    ends: list[list[float]] = [[] for _ in groups]
    for number in range(draws):
        drawn = simulation.draw(number)
        for found, group in zip(ends, groups, strict=True):
            found.append(drawn.end_of(group))
    return [sorted(found) for found in ends]


@dataclass(frozen=True, slots=True)
class _Drawn:
    ends: Sequence[float]
    overhead: float
    seconds_beyond: float

    def end_of(self, group: Group) -> float:
        positions = group.positions
        chosen = itemgetter(*positions)(self.ends) if positions else max(self.ends, default=0.0)
        last = chosen if isinstance(chosen, float) else max(chosen)
        return float(last) + self.overhead + group.beyond * self.seconds_beyond


@dataclass(frozen=True, slots=True)
class _Span:
    """Positions from start to stop: one by one, or as a sum of so many of each kind."""

    start: int
    stop: int
    kinds: Counter[int] | None = None


class _Simulation:
    def __init__(
        self,
        situation: Situation,
        proposal: Proposal | None,
        draws: int,
        seed: int,
        groups: Sequence[Group],
    ) -> None:
        self._at = situation
        self._proposal = proposal
        self._random = Random(seed)
        proposed = proposal.jobs if proposal else ()
        self._waiting = len(situation.waiting)
        self._ahead = proposal.ahead if proposal else self._waiting
        self._jobs = [*situation.running, *situation.waiting, *proposed]
        kinds = list(dict.fromkeys(job.kind for job in self._jobs))
        self._expectations = [situation.expectations[kind] for kind in kinds]
        index = {kind: number for number, kind in enumerate(kinds)}
        self._kinds = [index[job.kind] for job in self._jobs]
        self._spreads = [self._expectations[kind].spread for kind in self._kinds]
        self._dues = [job.due_at for job in self._jobs]
        self._doubts = [self._strata(draws) for _ in kinds]
        self._today, self._slack = self._strata(draws), self._strata(draws)
        size = len(self._jobs) // _POOL + 2
        self._pool = [self._random.gauss(0.0, 1.0) for _ in range(_POOL)] * size
        everything = len(self._jobs) - 1
        self._last = {max(group.positions, default=everything) for group in groups}
        first = len(situation.running)
        self._spans = self._spans_of(first, first + self._ahead)
        self._proposed_spans = self._spans_of(first + self._waiting, len(self._jobs))
        self._behind = self._spans_behind(first + self._ahead, first + self._waiting)

    def draw(self, number: int) -> _Drawn:
        """One draw of all ends."""
        at = self._at
        today = TODAY_SPREAD * self._today[number]
        logs = [
            math.log(each.median) + each.doubt * doubts[number] + today
            for each, doubts in zip(self._expectations, self._doubts, strict=True)
        ]
        overhead = at.overhead * math.exp(OVERHEAD_SPREAD * self._slack[number])
        ends = [
            at.now + self._rest(job.age or 0.0, logs[kind], spread)
            for job, kind, spread in zip(at.running, self._kinds, self._spreads, strict=False)
        ]
        slots = Slots(
            at.slots,
            now=at.now,
            busy_until=[end + overhead for end in ends],
            not_before=at.not_before,
            overhead=overhead,
            calls_per_second=at.calls_per_second,
        )
        for span in self._spans:
            self._run(span, slots, logs, ends)
        if self._proposal is not None:
            self._run_proposal(self._proposal.at, slots, logs, ends)
        work, _ = self._sum(Counter(self._kinds), logs)
        mean = work / len(self._jobs) if self._jobs else 0.0
        return _Drawn(ends, overhead + at.collecting, (mean + overhead) / at.slots)

    def _run_proposal(self, at: float, slots: Slots, logs: list[float], ends: list[float]) -> None:
        """Those behind the proposed go on until it comes; then the proposed, by position."""
        aside: list[float] = []
        for span in self._behind:
            if slots.next_free < at:
                self._run(span, slots, logs, aside, until=at)
        ends += [0.0] * (self._waiting - self._ahead)
        slots.wait_until(at)
        for span in self._proposed_spans:
            self._run(span, slots, logs, ends)

    def _run(
        self,
        span: _Span,
        slots: Slots,
        logs: list[float],
        ends: list[float],
        until: float = math.inf,
    ) -> None:
        """Run the jobs of a span that start before `until`, and add their ends."""
        if span.kinds is not None:
            work, variance = self._sum(span.kinds, logs)
            work += self._random.gauss(0.0, math.sqrt(variance))
            slots.pour(work, span.stop - span.start)
            ends += [slots.next_free] * (span.stop - span.start)
            return
        begin, exp, part = self._random.randrange(_POOL), math.exp, slice(span.start, span.stop)
        noise = self._pool[begin : begin + span.stop - span.start]
        spreads, kinds = self._spreads[part], self._kinds[part]
        seconds = [
            exp(logs[kind] + spread * z)
            for kind, spread, z in zip(kinds, spreads, noise, strict=True)
        ]
        slots.fill(zip(seconds, self._dues[part], strict=True), ends, until)

    def _sum(self, kinds: Counter[int], logs: list[float]) -> tuple[float, float]:
        """Mean and variance of the work (seconds) of so many jobs of each kind."""
        work = variance = 0.0
        for kind, count in kinds.items():
            square = self._expectations[kind].spread ** 2
            mean = math.exp(logs[kind] + square / 2)
            work += count * mean
            variance += count * mean**2 * math.expm1(square)
        return work, variance

    def _spans_behind(self, first: int, stop: int) -> list[_Span]:
        """Jobs behind a proposal: as a sum those that will be admitted long before it comes."""
        if self._proposal is None or first == stop:
            return []
        at, means = self._at, [each.mean for each in self._expectations]
        mean = sum(means[kind] for kind in self._kinds[first:stop]) / (stop - first)
        passed = (self._proposal.at - at.now) * at.slots / (mean + at.overhead)
        sure = min(stop, first + int(passed) - self._ahead - WINDOW)
        if sure - first <= WINDOW:
            return [_Span(first, stop)]
        return [_Span(first, sure, Counter(self._kinds[first:sure])), _Span(sure, stop)]

    def _spans_of(self, first: int, stop: int) -> list[_Span]:
        """The jobs from `first` to `stop` in order, down to the last end that is asked for."""
        lasts = sorted(last for last in self._last if last >= first)
        if not lasts and self._proposal is None:
            return []
        if stop < len(self._jobs) and self._proposal is not None:
            lasts = [stop - 1]
        spans, done = [], first
        for last in lasts:
            until = min(last + 1, stop)
            start = max(done, until - WINDOW)
            if start - done > WINDOW:
                spans.append(_Span(done, start, Counter(self._kinds[done:start])))
            else:
                start = done
            if start < until:
                spans.append(_Span(start, until))
            done = max(done, until)
        return spans

    def _rest(self, age: float, log: float, spread: float) -> float:
        """Seconds that a job which has run for `age` still takes."""
        z = (math.log(age) - log) / spread if age > 0 else -math.inf
        passed = _NORMAL.cdf(z) if z > -8 else 0.0
        if passed > 1 - 1e-9:
            return age * spread / z * self._random.expovariate(1.0)
        chance = passed + (1 - passed) * self._random.random()
        chance = min(max(chance, 1e-12), 1 - 1e-12)
        return max(0.0, math.exp(log + spread * _NORMAL.inv_cdf(chance)) - age)

    def _strata(self, count: int) -> list[float]:
        """Standard normal values, one of each of `count` equally likely strata, in random order."""
        values = [_NORMAL.inv_cdf((number + 0.5) / count) for number in range(count)]
        self._random.shuffle(values)
        return values


def line_up(at: Situation) -> Situation:
    """The same with those that are due later at the place that the line will have reached then."""
    later = [job for job in at.waiting if job.due_at > at.now]
    if not later or not at.slots:
        return at
    later.sort(key=lambda job: -job.due_at)
    reached, ordered = max(at.now, at.not_before), []
    for job in at.waiting:
        if job.due_at > at.now:
            continue
        while later and later[-1].due_at <= reached:
            ordered.append(later.pop())
        ordered.append(job)
        reached += (at.expectations[job.kind].mean + at.overhead) / at.slots
    return replace(at, waiting=[*ordered, *reversed(later)])

"""When work will be done, and what may still be promised: quantiles over simulated draws."""

from __future__ import annotations

import math
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter

from snapshot_export.domain.backlog import start_tag_of
from snapshot_export.domain.fair_share import Flow
from snapshot_export.domain.simulation import (
    Group,
    Proposal,
    SimulatedJob,
    Situation,
    simulate,
)

MAX_DRAWS, MIN_DRAWS = 200, 40
MAX_JOBS_DRAWN = 2_000_000
"""Jobs over all draws of one answer."""
SAFE = 0.95
"""A start is safe if the deadline is met with this chance."""
START_STEPS = 8
START_ACCURACY = 0.01
"""The latest safe start is found to within this share of the time until the deadline."""
EVERYTHING = Group(())


@dataclass(frozen=True)
class Estimate:
    """When something will be done: equally likely ends, sorted (epoch seconds); at least one."""

    ends: tuple[float, ...]

    @property
    def p50(self) -> float:
        """As likely before as after."""
        return self.quantile(0.5)

    @property
    def p95(self) -> float:
        """Not later, in 19 of 20 cases."""
        return self.quantile(0.95)

    def quantile(self, share: float) -> float:
        """The end before which `share` of the draws lie."""
        place = share * len(self.ends) - 0.5
        below = min(max(0, int(place)), len(self.ends) - 1)
        above = min(below + 1, len(self.ends) - 1)
        part = min(max(0.0, place - below), 1.0)
        return self.ends[below] + part * (self.ends[above] - self.ends[below])

    def chance(self, deadline: float) -> float:
        """The chance of being done at `deadline`."""
        return bisect_right(self.ends, deadline) / len(self.ends)


def estimate_ends(
    situation: Situation,
    groups: Mapping[str, Group],
    *,
    proposal: Proposal | None = None,
) -> dict[str, Estimate]:
    """The estimate of each group; nothing where no slot is open. Deterministic.

    200 draws up to 10,000 jobs, then the more jobs, the fewer: 100 at 20,000, never under 40.
    """
    if situation.slots <= 0 or not groups:
        return {}
    jobs = len(situation.running) + len(situation.waiting)
    jobs += len(proposal.jobs) if proposal else 0
    ends = simulate(
        situation,
        [*groups.values()],
        draws=max(MIN_DRAWS, min(MAX_DRAWS, MAX_JOBS_DRAWN // max(1, jobs))),
        seed=_seed_of(situation, proposal),
        proposal=proposal,
    )
    return {name: Estimate(tuple(found)) for name, found in zip(groups, ends, strict=True)}


def groups_of(
    situation: Situation, name_of: Callable[[SimulatedJob], str | None], beyond: Mapping[str, int]
) -> dict[str, Group]:
    """Jobs that run or wait, grouped by name; None is in no group. `beyond` as Group has it."""
    places: dict[str, list[int]] = {}
    for position, job in enumerate([*situation.running, *situation.waiting]):
        name = name_of(job)
        if name is not None:
            places.setdefault(name, []).append(position)
    return {name: Group(tuple(found), beyond.get(name, 0)) for name, found in places.items()}


def propose(
    situation: Situation, jobs: Iterable[SimulatedJob], at: float, of_class: str
) -> Proposal:
    """Jobs submitted at `at` as a burst: it shares the slots with what of its class waits then."""
    own = sorted(jobs, key=lambda job: -situation.expectations[job.kind].mean)
    ranks = [job.rank for job in situation.waiting]
    ahead = bisect_left(ranks, of_class)
    there = range(max(ahead, _reached(situation, at)), bisect_left(ranks, of_class + "~"))
    tags = sorted(start_tag_of(ranks[index]) or 0.0 for index in there)
    flow = Flow(virtual_time=tags[0] if tags else 1000.0 * at, slots=situation.slots)
    both = [(tag, False, situation.waiting[index]) for tag, index in zip(tags, there, strict=True)]
    both += [(flow.start_tag(situation.expectations[job.kind].mean), True, job) for job in own]
    both.sort(key=itemgetter(0))
    positions = tuple(index for index, (_, is_own, _) in enumerate(both) if is_own)
    merged = [job for _, _, job in both[: positions[-1] + 1 if positions else 0]]
    return Proposal(at=at, jobs=merged, ahead=ahead, own=positions)


def _reached(situation: Situation, at: float) -> int:
    """How many of those that wait will probably have been admitted at a time (epoch seconds)."""
    reached = max(situation.now, situation.not_before)
    for index, job in enumerate(situation.waiting):
        if reached >= at or not situation.slots:
            return index
        mean = situation.expectations[job.kind].mean
        reached += (mean + situation.overhead) / situation.slots
    return len(situation.waiting)


def estimate_proposal(situation: Situation, proposal: Proposal) -> Estimate | None:
    """When the last of the proposed jobs ends, or None where nothing is admitted."""
    first = len(situation.running) + len(situation.waiting)
    group = Group(tuple(first + index for index in proposal.own))
    return estimate_ends(situation, {"": group}, proposal=proposal).get("")


def latest_safe_start(
    situation: Situation,
    proposal_at: Callable[[float], Proposal],
    deadline: float,
    earliest: float = 0.0,
) -> float | None:
    """The latest start (epoch seconds) whose P95 keeps the deadline; None if now is too late.

    Not before `earliest`. To within START_ACCURACY of the time that is left. Bounds that need no
    trial: a start that is later by a time ends later by at most that time, and no start is later
    than one that would find every slot free.
    """

    def spare(at: Situation, proposal: Proposal) -> float:
        estimate = estimate_proposal(at, proposal)
        return deadline - estimate.quantile(SAFE) if estimate else -math.inf

    def spare_at(start: float) -> float:
        return spare(situation, proposal_at(start))

    safe = max(situation.now, earliest)
    accuracy = START_ACCURACY * max(0.0, deadline - safe)
    left = spare_at(safe)
    if left < 0:
        return None
    empty = replace(situation, running=(), waiting=())
    late = safe + spare(empty, proposal_at(safe).alone())
    tried = safe + left
    for _ in range(START_STEPS):
        if late - safe <= accuracy:
            break
        found = spare_at(tried)
        if found >= 0:
            safe, left = tried, found
        else:
            late = tried
        tried = max((safe + late) / 2, min(safe + left, late - accuracy))
    return safe


def _seed_of(situation: Situation, proposal: Proposal | None) -> int:
    """Of what there is to do, not of when it is asked: answers change as the work does."""
    kinds = sorted({job.kind for job in [*situation.running, *situation.waiting]})
    proposed = sorted({job.kind for job in proposal.jobs}) if proposal else []
    return zlib.crc32(repr((situation.slots, kinds, proposed)).encode())

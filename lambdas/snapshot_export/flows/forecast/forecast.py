"""Forecast: when what is there will be done, and when a burst that is thought of would be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from snapshot_export.adapters.services import Services
from snapshot_export.domain.backlog import rank_class
from snapshot_export.domain.data_wait import DataWait
from snapshot_export.domain.forecast import (
    EVERYTHING,
    Estimate,
    estimate_ends,
    estimate_proposal,
    groups_of,
    latest_safe_start,
    propose,
)
from snapshot_export.domain.parts import labels_of_parts
from snapshot_export.domain.simulation import Group, Kind, Proposal, SimulatedJob, Situation
from snapshot_export.flows.forecast.situation import TargetState, expectations_of, read_situation

MAX_BURSTS = 50
MAX_AWAITED = 50
MAX_COUNTED_MEMBERS = 1000
_ALL = ""
_PROPOSED = "~"


@dataclass(frozen=True, kw_only=True)
class BurstOutlook:
    """A burst of which exports run or wait, `open` of them."""

    burst_id: str
    open: int
    deadline: float | None
    estimate: Estimate


@dataclass(frozen=True, kw_only=True)
class AwaitedData:
    """So many exports and bursts wait for the same data; at least so many if so marked.

    `refresh_seconds` is how long its refreshes take, in 19 of 20 cases; 0 if nothing was learned.
    """

    wait: DataWait
    requests: int
    requests_is_at_least: bool
    refresh_seconds: float


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The estimate of all that runs and waits; None where nothing is admitted, or nothing is there.

    What waits for data is in no estimate, since nobody knows when its refresh will be over: it is
    `awaited`, the first MAX_AWAITED by their Until. `learned` is the share of its jobs whose
    dashboard and formats were seen before.
    """

    seen: TargetState
    estimate: Estimate | None
    bursts: tuple[BurstOutlook, ...]
    learned: float | None
    awaited: tuple[AwaitedData, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PlannedExports:
    """So many exports of one dashboard, each with files of these formats."""

    dashboard_id: str
    formats: tuple[str, ...]
    count: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The estimate of exports that were only thought of, submitted at `start` (epoch seconds)."""

    seen: TargetState
    start: float
    estimate: Estimate | None
    latest_safe_start: float | None
    learned: float


def read_forecast(services: Services) -> Forecast:
    """The forecast of everything, and of each burst among the first that wait."""
    seen = read_situation(services)
    situation, awaited = seen.situation, _awaited(services)
    if not situation.running and not situation.waiting:
        return Forecast(seen=seen, estimate=None, bursts=(), learned=None, awaited=awaited)
    groups = dict([*burst_groups(services, seen).items()][:MAX_BURSTS])
    estimates = estimate_ends(situation, {**groups, _ALL: EVERYTHING})
    deadlines = {job.burst_id: job.deadline for job in [*situation.running, *situation.waiting]}
    return Forecast(
        seen=seen,
        estimate=estimates.get(_ALL),
        bursts=tuple(
            BurstOutlook(
                burst_id=burst_id,
                open=len(group.positions) + group.beyond,
                deadline=deadlines[burst_id],
                estimate=estimates[burst_id],
            )
            for burst_id, group in groups.items()
            if burst_id in estimates
        ),
        learned=_learned(situation, [*situation.running, *situation.waiting]),
        awaited=awaited,
    )


def _awaited(services: Services) -> tuple[AwaitedData, ...]:
    found = []
    for group in services.waits.groups()[:MAX_AWAITED]:
        count = services.waits.count_members(group, MAX_COUNTED_MEMBERS)
        data = AwaitedData(
            wait=group.wait,
            requests=count,
            requests_is_at_least=count >= MAX_COUNTED_MEMBERS,
            refresh_seconds=services.refreshes.longest(group.wait.data_sets),
        )
        found.append(data)
    return tuple(each for each in found if each.requests)


def burst_groups(services: Services, seen: TargetState) -> dict[str, Group]:
    """The jobs of each burst; where not all that wait were read, also how many were not."""
    read = len(seen.situation.running) + len(seen.entries)
    situation = replace(seen.situation, waiting=seen.situation.waiting[: len(seen.entries)])
    groups = groups_of(situation, lambda job: job.burst_id, {})
    if seen.is_whole:
        return groups
    found: dict[str, Group] = {}
    for burst_id, group in groups.items():
        burst = services.bursts.find(burst_id) if len(found) < MAX_BURSTS else None
        collected = sum(not a.holds_slot and a.burst_id == burst_id for a in seen.attempts)
        known = len(group.positions) + collected
        beyond = max(0, burst.open - known) if burst and group.positions[-1] > read // 2 else 0
        found[burst_id] = replace(group, beyond=beyond)
    return found


def estimate_burst(services: Services, seen: TargetState, burst_id: str) -> Estimate | None:
    """When a burst will be over; None where nothing of it was seen, or nothing is admitted."""
    group = burst_groups(services, seen).get(burst_id)
    return estimate_ends(seen.situation, {burst_id: group}).get(burst_id) if group else None


def plan_exports(
    services: Services,
    exports: Sequence[PlannedExports],
    *,
    priority: int,
    deadline: float | None,
    start: float | None,
) -> Plan:
    """When these exports would be done if they were submitted at `start`, now unless given."""
    seen = read_situation(services)
    kinds = [
        kind for planned in exports for kind in kinds_of(planned.dashboard_id, planned.formats)
    ]
    situation = with_kinds(services, seen.situation, kinds)
    start = max(start or 0.0, situation.now)
    proposal_at = proposing(situation, exports, priority=priority, deadline=deadline)
    proposal = proposal_at(start)
    latest = None
    if deadline is not None:
        latest = latest_safe_start(situation, proposal_at, deadline)
    return Plan(
        seen=seen,
        start=start,
        estimate=estimate_proposal(situation, proposal),
        latest_safe_start=latest,
        learned=_learned(situation, proposal.alone().jobs) or 0.0,
    )


def kinds_of(dashboard_id: str, formats: Sequence[str]) -> list[Kind]:
    """The kinds of the jobs that an export with files of these formats needs, one for each part."""
    return [(dashboard_id, label) for label in labels_of_parts(tuple(formats))]


def with_kinds(services: Services, situation: Situation, kinds: Sequence[Kind]) -> Situation:
    """The situation, knowing also what to expect of these kinds."""
    expectations = expectations_of(services, dict.fromkeys(kinds), situation.between)
    return replace(situation, expectations={**situation.expectations, **expectations})


def proposing(
    situation: Situation,
    exports: Sequence[PlannedExports],
    *,
    priority: int,
    deadline: float | None,
) -> Callable[[float], Proposal]:
    """The proposal of these exports by its start, as the burst that they would be."""

    jobs = [
        job
        for planned in exports
        for kind in kinds_of(planned.dashboard_id, planned.formats)
        for job in [SimulatedJob(export_id=_PROPOSED, kind=kind)] * planned.count
    ]

    def proposal_at(start: float) -> Proposal:
        of_class = rank_class(priority=priority, deadline=deadline, accepted_at=start)
        return propose(situation, jobs, start, of_class)

    return proposal_at


def _learned(situation: Situation, jobs: Sequence[SimulatedJob]) -> float | None:
    known = sum(situation.expectations[job.kind].jobs > 0 for job in jobs)
    return known / len(jobs) if jobs else None

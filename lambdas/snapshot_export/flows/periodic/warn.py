"""Warn: a deadline that will probably be missed is announced early, once.

Each minute one forecast over what runs and the first MAX_READ that wait, whatever else there is: a
pass costs the same with any backlog. Deadlines behind those are announced when they come among
them; a burst is judged by all its open exports as soon as its first is among them.
Order of writes: the event goes out first, then the record is marked: dying between the two
announces it again, with the same EventId. A burst is announced as one, single exports each.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from snapshot_export.adapters.services import Services
from snapshot_export.domain.backlog import BacklogEntry
from snapshot_export.domain.burst import Burst
from snapshot_export.domain.export import Attempt
from snapshot_export.domain.forecast import Estimate, estimate_ends
from snapshot_export.domain.simulation import Group
from snapshot_export.errors import (
    ConditionFailedError,
    NewerRecordError,
    TransientError,
    UnreadableRecordError,
)
from snapshot_export.flows.forecast.forecast import burst_groups
from snapshot_export.flows.forecast.situation import TargetState, read_situation
from snapshot_export.flows.periodic.gauges import Gauges
from snapshot_export.metric import Metric

MAX_READ = 2000
MAX_ANNOUNCED = 50
"""Events of one pass; the rest is announced in the next."""
MIN_CHANCE = 0.5
"""A deadline that is met with a lower chance than this is at risk."""
_SINGLE = "#"
"""Before an export's id where it stands beside bursts' ids: the two may be equal."""

logger = Logger(child=True)


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """How the deadlines stand; `announced` is how many were announced now."""

    announced: int
    gauges: Gauges


def warn_of_deadlines(services: Services) -> Deadlines:
    """Announce deadlines that are newly at risk."""
    seen = read_situation(services, MAX_READ, rest=False)
    records: list[BacklogEntry | Attempt] = [each for each in seen.attempts if each.holds_slot]
    records += seen.entries
    due = [each for each in records if each.deadline is not None]
    bursts = _bursts(services, [each.burst_id for each in due if each.burst_id])
    singles = {_SINGLE + each.export_id: each for each in due if not each.burst_id}
    deadlines = {
        each.burst_id or _SINGLE + each.export_id: each.deadline for each in due if each.deadline
    }
    estimates = _estimate_ends(services, seen, bursts, singles) if due else {}
    at_risk = [
        name
        for name, estimate in estimates.items()
        if estimate.chance(deadlines[name]) < MIN_CHANCE
    ]
    announced = 0
    for name in at_risk:
        if announced == MAX_ANNOUNCED:
            break
        if name in bursts:
            announced += _announce_burst(services, bursts[name], deadlines[name], estimates[name])
        else:
            announced += _announce_export(services, singles[name], deadlines[name], estimates[name])
    values: dict[Metric, float] = {}
    if estimates:
        values[Metric.DEADLINES_AT_RISK] = len(at_risk)
        margin = min(deadlines[name] - estimate.p95 for name, estimate in estimates.items())
        values[Metric.DEADLINE_MARGIN_SECONDS] = margin
    return Deadlines(
        announced=announced, gauges=Gauges(target=services.settings.target, values=values)
    )


def _bursts(services: Services, burst_ids: list[str]) -> dict[str, Burst]:
    """There are few, each is one read."""
    found = {}
    for burst_id in dict.fromkeys(burst_ids):
        try:
            burst = services.bursts.find(burst_id)
        except (NewerRecordError, UnreadableRecordError) as error:
            logger.error("burst left out", reason=str(error), burst_id=burst_id)
            continue
        if burst:
            found[burst_id] = burst
    return found


def _estimate_ends(
    services: Services,
    seen: TargetState,
    bursts: dict[str, Burst],
    singles: dict[str, BacklogEntry | Attempt],
) -> dict[str, Estimate]:
    groups = {
        burst_id: group
        for burst_id, group in burst_groups(services, seen).items()
        if burst_id in bursts
    }
    for position, job in enumerate([*seen.situation.running, *seen.situation.waiting]):
        if _SINGLE + job.export_id in singles:
            groups[_SINGLE + job.export_id] = Group((position,))
    return estimate_ends(seen.situation, groups)


def _announce_burst(services: Services, burst: Burst, deadline: float, estimate: Estimate) -> bool:
    if burst.at_risk_at is not None:
        return False
    try:
        services.events.announce_burst_at_risk(burst, deadline, estimate)
        services.bursts.mark_at_risk(burst.burst_id, services.now())
    except (ConditionFailedError, TransientError) as error:
        logger.warning("not announced", reason=str(error), burst_id=burst.burst_id)
        return False
    _log(estimate.chance(deadline), burst_id=burst.burst_id)
    return True


def _announce_export(
    services: Services, record: BacklogEntry | Attempt, deadline: float, estimate: Estimate
) -> bool:
    if record.at_risk:
        return False
    try:
        services.events.announce_export_at_risk(
            record, services.settings.target, deadline, estimate
        )
        services.store.mark_at_risk(record, services.now())
    except (ConditionFailedError, TransientError) as error:
        logger.warning("not announced", reason=str(error), export_id=record.export_id)
        return False
    _log(estimate.chance(deadline), export_id=record.export_id)
    return True


def _log(chance: float, **ids: str) -> None:
    logger.warning("deadline at risk", reason=f"chance {chance:.2f}", extra=ids)

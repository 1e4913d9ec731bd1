"""What runs and what waits, with what was learned, for the forecast. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from snapshot_export.adapters.services import Services
from snapshot_export.domain.backlog import BacklogEntry, in_order_of_admission, look_ahead
from snapshot_export.domain.durations import Expectation, in_turn
from snapshot_export.domain.export import Attempt, Export
from snapshot_export.domain.gate import Gate, ceiling_at, open_slots
from snapshot_export.domain.parts import IN_TURN
from snapshot_export.domain.simulation import Kind, SimulatedJob, Situation, line_up
from snapshot_export.settings import Settings

MAX_READ = 10_000
"""Waiting exports that are read, for about 400 read units; the rest is taken to be like them."""
MAX_COUNTED = 100_000


@dataclass(frozen=True, kw_only=True)
class TargetState:
    """The situation of a target; `waiting` is how many wait in truth, a lower bound if so marked.

    `is_whole` if all of them were read. `entries` and `attempts` are the records of its jobs, with
    attempts that hold no slot any more.
    """

    target: str
    situation: Situation
    waiting: int
    waiting_is_at_least: bool
    is_whole: bool
    entries: tuple[BacklogEntry, ...]
    attempts: tuple[Attempt, ...]


def read_situation(services: Services, most: int = MAX_READ, *, rest: bool = True) -> TargetState:
    """What runs and waits now; of what waits, the first `most`, and the `rest` like them."""
    entries = services.store.waiting(most)
    is_whole = len(entries) < most
    count = len(entries) if is_whole or not rest else services.store.count_waiting(MAX_COUNTED)
    situation, attempts = _situation(services, entries)
    jobs = situation.waiting
    if len(jobs) < count:
        more = count - len(jobs)
        jobs = [*jobs, *(list(jobs) * (more // len(jobs) + 1))[:more]]
    return TargetState(
        target=services.settings.target,
        situation=line_up(replace(situation, waiting=jobs)),
        waiting=max(count, len(entries)),
        waiting_is_at_least=not is_whole and (not rest or count >= MAX_COUNTED),
        is_whole=is_whole,
        entries=tuple(entries),
        attempts=attempts,
    )


def read_situation_before(services: Services, export: Export, most: int) -> TargetState:
    """What runs, and what waits up to an export: all that decides when that ends.

    Those behind it by rank that are longer can go before it.
    """
    entries = services.store.waiting_before(export.rank, most)
    is_whole = len(entries) < most
    if is_whole:
        most_ahead = look_ahead(services.settings.open_slots)
        entries += services.store.waiting_behind(export.rank, most_ahead)
    situation, attempts = _situation(services, entries)
    places = {job.export_id: place for place, job in enumerate(situation.waiting)}
    until = places.get(export.export_id, len(places)) + 1
    situation = replace(situation, waiting=situation.waiting[:until])
    return TargetState(
        target=services.settings.target,
        situation=situation,
        waiting=until,
        waiting_is_at_least=not is_whole,
        is_whole=is_whole,
        entries=tuple(entries),
        attempts=attempts,
    )


def read_slots(services: Services) -> Situation:
    """What runs, with nothing that waits."""
    return _situation(services, ())[0]


def expectations_of(
    services: Services, kinds: Iterable[Kind], between: float
) -> dict[Kind, Expectation]:
    """What to expect of each kind of job, with so many seconds between two of one export."""
    learned = services.durations.all()
    unknown = services.durations.unknown
    return {
        kind: in_turn([learned.get(each, unknown) for each in _jobs_of(kind)], between)
        for kind in kinds
    }


def kind_of(dashboard_id: str, formats: str, later: str | None) -> Kind:
    """The kind of an export's next job with those behind it."""
    return dashboard_id, formats if later is None else f"{formats}{IN_TURN}{later}"


def _jobs_of(kind: Kind) -> list[Kind]:
    dashboard_id, formats = kind
    return [(dashboard_id, each) for each in formats.split(IN_TURN)]


def _situation(
    services: Services, entries: Iterable[BacklogEntry]
) -> tuple[Situation, tuple[Attempt, ...]]:
    gate, attempts = services.store.in_flight()
    now, settings = services.now(), services.settings
    overheads = services.throughput.overheads()
    running = [_running(attempt, now) for attempt in attempts if attempt.holds_slot]
    waiting = [_waiting(entry) for entry in entries]
    kinds = dict.fromkeys(job.kind for job in (*running, *waiting))
    firsts = {kind: _jobs_of(kind)[0] for kind in kinds}
    slots = _slots_of(gate, settings, now)
    between = overheads.held_idle
    if len(running) + len(waiting) <= slots:
        between += overheads.collecting  # else others use the slot while files are collected
    expectations = expectations_of(services, dict.fromkeys([*kinds, *firsts.values()]), between)
    situation = Situation(
        now=now,
        slots=slots,
        running=running,
        waiting=in_order_of_admission(waiting, lambda job: expectations[firsts[job.kind]].mean),
        expectations=expectations,
        not_before=gate.paused_until,
        calls_per_second=settings.calls_per_second,
        overhead=overheads.held_idle,
        collecting=overheads.collecting,
        between=between,
    )
    return situation, attempts


def _slots_of(gate: Gate, settings: Settings, now: float) -> int:
    """Those that exports may use: under a ceiling as many as that, as if it stayed."""
    limit = open_slots(
        gate,
        default_limit=settings.snapshot_job_limit,
        default_reserved=settings.reserved_slots,
    )
    ceiling = ceiling_at(gate, limit=limit, now=now)
    return limit if ceiling is None else max(1, ceiling)


def _running(attempt: Attempt, now: float) -> SimulatedJob:
    return SimulatedJob(
        export_id=attempt.export_id,
        kind=kind_of(attempt.dashboard_id, attempt.formats, attempt.later),
        burst_id=attempt.burst_id,
        deadline=attempt.deadline,
        age=max(0.0, now - attempt.started_at) if attempt.started_at else 0.0,
    )


def _waiting(entry: BacklogEntry) -> SimulatedJob:
    return SimulatedJob(
        export_id=entry.export_id,
        kind=kind_of(entry.dashboard_id, entry.formats, entry.later),
        burst_id=entry.burst_id,
        deadline=entry.deadline,
        due_at=entry.due_at or 0.0,
        rank=entry.rank,
    )

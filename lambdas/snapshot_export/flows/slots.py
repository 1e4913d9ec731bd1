"""Slots: who holds them now, who waits next, and when each will probably be done. Reads only.

An expected end is the median of the forecast, as in flows/view.py: as likely before as after.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from snapshot_export.adapters.services import Services
from snapshot_export.domain.backlog import BacklogEntry
from snapshot_export.domain.export import Attempt
from snapshot_export.domain.forecast import estimate_ends, groups_of
from snapshot_export.domain.simulation import Situation
from snapshot_export.flows.forecast.situation import read_situation


@dataclass(frozen=True, kw_only=True)
class Occupancy:
    """A target at `at` (epoch seconds): `slots` are those that exports may use now.

    `held` and `collecting` are the attempts that hold a slot, and those whose job has ended, by
    admission. `waiting` are the first that wait in the order in which they will be admitted; with
    `more_wait` there may be others. `places` count from 1 in the backlog: what waits for its next
    attempt has none. `expected_ends` (epoch seconds) has those that are known.
    """

    target: str
    at: float
    slots: int
    held: tuple[Attempt, ...]
    collecting: tuple[Attempt, ...]
    waiting: tuple[BacklogEntry, ...]
    more_wait: bool
    places: dict[str, int]
    expected_ends: dict[str, float]


def read_occupancy(services: Services, most: int) -> Occupancy:
    """Who holds the slots, and the first `most` that wait: about 4 read units for 100."""
    state = read_situation(services, most, rest=False)
    situation = state.situation
    entries = {entry.export_id: entry for entry in state.entries}
    waiting = [entries[job.export_id] for job in situation.waiting]
    backlog = [entry for entry in waiting if not entry.due_at]
    attempts = sorted(state.attempts, key=lambda attempt: attempt.admitted_at)
    collecting = [attempt for attempt in attempts if not attempt.holds_slot]
    collected_at = situation.now + situation.collecting
    return Occupancy(
        target=state.target,
        at=situation.now,
        slots=situation.slots,
        held=tuple(attempt for attempt in attempts if attempt.holds_slot),
        collecting=tuple(collecting),
        waiting=tuple(waiting[:most]),
        more_wait=not state.is_whole,
        places={entry.export_id: place for place, entry in enumerate(backlog, start=1)},
        expected_ends=_medians(situation)
        | _ends_of_running(situation)
        | {attempt.export_id: collected_at for attempt in collecting},
    )


def _ends_of_running(situation: Situation) -> dict[str, float]:
    """From the slots alone: neither what waits nor a lowered limit holds up what runs."""
    return _medians(replace(situation, waiting=[], slots=max(1, situation.slots)))


def _medians(situation: Situation) -> dict[str, float]:
    groups = groups_of(situation, lambda job: job.export_id, {})
    return {name: found.p50 for name, found in estimate_ends(situation, groups).items()}

"""The order of the backlog: one string per entry, smallest first."""

from __future__ import annotations

import math
from dataclasses import dataclass

from snapshot_export.domain.durations import SHORTEST_SECONDS

DEFAULT_PRIORITY = 5
NO_DEADLINE = 9_999_999_999
DAY_SECONDS = 86_400
DAY_BEGINS_SECONDS = 18 * 3600
"""Days begin at 18:00 UTC, when it is morning in no part of the world that most exports are for."""
GROUP_MS = 300_000
LENGTH_STEP = 1.2
"""Expected times within a fifth of each other count as equal."""
LONGEST_FIRST = 500
_FIELDS = 9
_GROUP_FIELD, _BURST_FIELD, _LENGTH_FIELD, _ORDER_FIELD = 4, 5, 6, 7


@dataclass(frozen=True, kw_only=True)
class BacklogEntry:
    """An accepted export that waits. A retry waits until `due_at` (epoch seconds).

    `nonce` is the export's; `digest` is there for versions that know no nonce. `formats` is what
    its next job makes (domain/parts.py). `at_risk`: the deadline (epoch seconds) that was
    announced as at risk. `key` is where it lies in the table, for one that was read there: it is
    found again by that, never by a key made anew from its members.
    """

    export_id: str
    dashboard_id: str
    digest: str
    nonce: str
    rank: str
    attempt: int
    admission: int
    due_at: float | None = None
    registered: bool = False
    formats: str = ""
    burst_id: str | None = None
    deadline: float | None = None
    at_risk: bool = False
    key: tuple[str, str] | None = None


def rank_of(
    *,
    priority: int,
    deadline: float | None,
    accepted_at: float,
    export_id: str,
    expected_seconds: float,
    burst_id: str | None = None,
    line: int = 0,
) -> str:
    """Priority (1 first), then the earlier deadline, then burst, then the longest expected first.

    Bursts go in the order of their acceptance (`accepted_at` is the burst's). Single exports that
    were accepted within the same GROUP_MS count as one burst; equally long ones go in the
    order of acceptance.

    Nobody starves: a day of waiting is worth one step of priority. The first part of the rank is
    the day of acceptance plus the priority, so an export of priority 9 goes before those of
    priority 1 that are accepted 9 days later; within a day the order above is strict.
    """
    day = math.floor((accepted_at - DAY_BEGINS_SECONDS) / DAY_SECONDS)
    due = NO_DEADLINE if deadline is None else min(max(0, int(deadline)), NO_DEADLINE)
    accepted = round(accepted_at * 1000)
    group = accepted if burst_id else accepted // GROUP_MS * GROUP_MS
    order = line if burst_id else accepted
    return (
        f"1#{day + priority:06d}#{priority}#{due:010d}#{group:014d}#{burst_id or ''}"
        f"#{_length_key(expected_seconds)}#{order:014d}#{export_id}"
    )


def rank_anew(rank: str, expected_seconds: float) -> str:
    """A rank as it would be now that the job is expected to take this long.

    A rank of another shape, as another version of this code wrote it, stays as it is.
    """
    fields = rank.split("#")
    if len(fields) != _FIELDS:
        return rank
    fields[_LENGTH_FIELD] = _length_key(expected_seconds)
    return "#".join(fields)


def front_rank(rank: str) -> str:
    """The rank of an export that was admitted and handed back: before all that never were."""
    return "0" + rank[1:]


def accepted_at_of(rank: str) -> float | None:
    """When the export of a rank was accepted (epoch seconds); of a burst's, when the burst was.

    None for a rank of another shape.
    """
    fields = rank.split("#")
    if len(fields) != _FIELDS:
        return None
    return int(fields[_GROUP_FIELD] if fields[_BURST_FIELD] else fields[_ORDER_FIELD]) / 1000


def _length_key(expected_seconds: float) -> str:
    steps = math.log(max(expected_seconds, SHORTEST_SECONDS)) / math.log(LENGTH_STEP)
    return f"{LONGEST_FIRST - round(steps):03d}"

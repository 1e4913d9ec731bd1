"""The order of the backlog: one string per entry, smallest first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Protocol, TypeVar

DEFAULT_PRIORITY = 5
NO_DEADLINE = 9_999_999_999
DAY_SECONDS = 86_400
DAY_BEGINS_SECONDS = 18 * 3600
"""Days begin at 18:00 UTC, when it is morning in no part of the world that most exports are for."""
WINDOW_MS = 900_000
"""Of start tags: so many milliseconds' work of all slots is put in the order of its length."""
_CLASS_FIELDS, _START_FIELD, _BURST_FIELD = 4, 4, 5
_FIELDS = (7, 9)
"""Versions before wrote the expected length, too, before the order."""

LOOK_AHEAD, LOADS_AHEAD, MOST_AHEAD = 100, 3, 300


class HasPlace(Protocol):
    """What waits at a rank, or until `due_at` (epoch seconds), if that is given and not 0."""

    @property
    def rank(self) -> str: ...

    @property
    def due_at(self) -> float | None: ...


Waiting = TypeVar("Waiting")
Entry = TypeVar("Entry", bound=HasPlace)


def look_ahead(slots: int) -> int:
    """Entries that an admission reads, so that long jobs start early enough: three for each slot,
    at least 100 (30 KB, 4 read units) and at most three times that, however long the backlog is."""
    return min(max(LOOK_AHEAD, LOADS_AHEAD * slots), MOST_AHEAD)


@dataclass(frozen=True, kw_only=True)
class BacklogEntry:
    """An accepted export that waits. A retry waits until `due_at` (epoch seconds).

    `nonce` is the export's; `digest` is there for versions that know no nonce. `formats` is what
    its next job makes and `later` what those behind it do (domain/parts.py), `files` as Attempt has
    it. `at_risk`: the deadline (epoch seconds) that was announced as at risk. `key` is where it
    lies in the table, for one that was read there: it is found again by that, never by a key made
    anew from its members.
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
    later: str | None = None
    files: int = 0
    burst_id: str | None = None
    deadline: float | None = None
    at_risk: bool = False
    key: tuple[str, str] | None = None


def rank_class(*, priority: int, deadline: float | None, accepted_at: float) -> str:
    """What goes before a fair share: priority (1 first), then the earlier deadline.

    Nobody starves: a day of waiting is worth one step of priority. The class begins with the day of
    acceptance plus the priority, so an export of priority 9 goes before those of priority 1 that
    are accepted 9 days later; within a day the order is strict.
    """
    day = math.floor((accepted_at - DAY_BEGINS_SECONDS) / DAY_SECONDS)
    due = NO_DEADLINE if deadline is None else min(max(0, int(deadline)), NO_DEADLINE)
    return f"1#{day + priority:06d}#{priority}#{due:010d}#"


def rank_of(of_class: str, start_tag: float, *, export_id: str, burst_id: str | None = None) -> str:
    """The place of an export: its class, then its start tag (domain/fair_share.py)."""
    return f"{of_class}{round(start_tag):014d}#{burst_id or ''}#{export_id}"


def start_tag_of(rank: str) -> float | None:
    """The start tag in a rank; None for a rank of another shape.

    Versions before wrote when the burst was accepted, or the single exports of five minutes, which
    is what a start tag begins with.
    """
    fields = rank.split("#")
    tag = fields[_START_FIELD] if len(fields) in _FIELDS else ""
    return float(tag) if tag.isdecimal() else None


def is_single(rank: str) -> bool:
    """Whether a rank is a single export's, of no burst."""
    flow = _flow_of(rank)
    return flow is not None and not flow[-1]


def longest_first(
    waiting: Sequence[Waiting],
    rank: Callable[[Waiting], str],
    expected_seconds: Callable[[Waiting], float],
) -> list[Waiting]:
    """What waits, in order of rank, with the places of each flow given to its longest first.

    A flow is what of one class belongs to one burst, or to none: its share of the slots, and so
    everybody else's, stays as it was. An export is passed by those of its flow only whose start
    tags are at most WINDOW_MS behind its own. A rank of another shape stays where it is.
    """
    places: dict[object, list[int]] = {}
    for index, each in enumerate(waiting):
        places.setdefault(_flow_of(rank(each)) or index, []).append(index)
    ordered = list(waiting)
    for indexes in places.values():
        tags = [start_tag_of(rank(waiting[index])) or 0.0 for index in indexes]
        seconds = [expected_seconds(waiting[index]) for index in indexes]
        for place, number in zip(indexes, _in_turn(tags, seconds), strict=True):
            ordered[place] = waiting[indexes[number]]
    return ordered


def _in_turn(tags: Sequence[float], seconds: Sequence[float]) -> Iterator[int]:
    """The positions of a flow, each time the longest of those in the window of the first left."""
    first = following = 0
    is_taken = [False] * len(tags)
    window: list[tuple[float, int]] = []
    for _ in tags:
        while is_taken[first]:
            first += 1
        while following < len(tags) and tags[following] <= tags[first] + WINDOW_MS:
            heappush(window, (-seconds[following], following))
            following += 1
        _, taken = heappop(window)
        is_taken[taken] = True
        yield taken


def in_order_of_admission(
    waiting: Sequence[Entry], expected_seconds: Callable[[Entry], float]
) -> list[Entry]:
    """What waits, retries first and then the backlog, given in that order: of the backlog each
    flow's longest first."""
    retries = [each for each in waiting if each.due_at]
    backlog = [each for each in waiting if not each.due_at]
    return [*retries, *longest_first(backlog, lambda each: each.rank, expected_seconds)]


def front_rank(rank: str) -> str:
    """The rank of an export that was admitted and handed back: before all that never were."""
    return "0" + rank[1:]


def _flow_of(rank: str) -> tuple[str, ...] | None:
    fields = rank.split("#")
    if len(fields) not in _FIELDS:
        return None
    return (*fields[:_CLASS_FIELDS], fields[_BURST_FIELD])

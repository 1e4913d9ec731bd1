"""Which slot held which export when, for a person to see: leases laid side by side in lanes.

The table counts slots and does not number them, so lanes are made afterwards: each lease takes the
first lane that is free when it begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import heappop, heappush
from itertools import pairwise
from statistics import median

from snapshot_export.domain.export import Export, Status

CLOCKS_DIFFER_SECONDS = 2.0
"""A slot may seem to be taken so much before it was freed: two functions noted the times."""
MAX_BARS = 2400


class LeaseEnd(StrEnum):
    """How a lease ended. AGAIN: another attempt followed; UNUSED: no job began."""

    COMPLETED = "completed"
    AGAIN = "again"
    UNUSED = "unused"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """One lease of an export (epoch seconds); the job's times are None where no job was seen."""

    export_id: str
    attempt: int
    outcome: LeaseEnd
    start: float
    end: float
    job_start: float | None = None
    job_end: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """What is drawn: a span, or `count` spans of a lane that are too short to be seen alone.

    `held` and `worked` are the seconds with a lease, and with a job; `first` is the first span.
    `outcome` is how most of them ended, `failed` of how many the export failed.
    """

    start: float
    end: float
    held: float
    worked: float
    count: int
    outcome: LeaseEnd
    failed: int
    first: Span


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Lanes from the first lease to the last release, `limit` of them or more.

    `used` is the share of the slots' time that was held while exports still waited, `worked` that
    in which a job ran; None where none waited. Gaps are between two leases of a lane. `left_out`
    spans are not in the lanes.
    """

    begin: float
    end: float
    limit: int
    lanes: tuple[tuple[Bar, ...], ...]
    spans: int
    left_out: int
    used: float | None
    worked: float | None
    median_gap: float | None
    longest_gap: float | None


def spans_of(export: Export) -> list[Span]:
    """The leases of an export that has ended."""
    return [
        Span(
            export_id=export.export_id,
            attempt=lease.attempt,
            outcome=_outcome(export, index),
            start=lease.admitted_at,
            end=max(lease.admitted_at, lease.released_at),
            job_start=lease.started_at,
            job_end=lease.ended_at,
        )
        for index, lease in enumerate(export.leases)
    ]


def _outcome(export: Export, index: int) -> LeaseEnd:
    lease = export.leases[index]
    is_last = index == len(export.leases) - 1 and lease.attempt == export.attempt
    if is_last and export.status is Status.FAILED:
        return LeaseEnd.FAILED
    if lease.started_at is None:
        return LeaseEnd.UNUSED
    if not is_last:
        return LeaseEnd.AGAIN
    return LeaseEnd.COMPLETED if export.status is Status.COMPLETED else LeaseEnd.CANCELLED


def lay_out(spans: Sequence[Span], *, limit: int, left_out: int = 0) -> Timeline | None:
    """The timeline of spans in any order; None where there are none."""
    if not spans:
        return None
    lanes = pack(spans, limit)
    begin, end = min(each.start for each in spans), max(each.end for each in spans)
    last = max(each.start for each in spans)  # exports waited until the last one was admitted
    held = ((each.start, each.end) for each in spans)
    jobs = (job for each in spans if (job := _job_of(each)))
    shortest = 0.0
    if len(spans) > MAX_BARS:
        shortest = 2 * (end - begin) * len(lanes) / MAX_BARS
    gaps = [
        max(0.0, after.start - before.end) for lane in lanes for before, after in pairwise(lane)
    ]
    return Timeline(
        begin=begin,
        end=end,
        limit=limit,
        lanes=tuple(tuple(_bars(lane, shortest)) for lane in lanes),
        spans=len(spans),
        left_out=left_out,
        used=_share(held, limit, begin, last) if last > begin else None,
        worked=_share(jobs, limit, begin, last) if last > begin else None,
        median_gap=median(gaps) if gaps else None,
        longest_gap=max(gaps, default=None),
    )


def pack(spans: Iterable[Span], limit: int) -> list[list[Span]]:
    """Lanes without overlaps, `limit` of them or, where more ran at a time, as many as it takes."""
    lanes: list[list[Span]] = [[] for _ in range(limit)]
    free = list(range(limit))
    busy: list[tuple[float, int]] = []
    for span in sorted(spans, key=lambda each: (each.start, each.end)):
        while busy and busy[0][0] <= span.start:
            heappush(free, heappop(busy)[1])
        if free:
            lane = heappop(free)
        elif busy and busy[0][0] - span.start <= CLOCKS_DIFFER_SECONDS:
            lane = heappop(busy)[1]
        else:
            lane = len(lanes)
            lanes.append([])
        lanes[lane].append(span)
        heappush(busy, (span.end, lane))
    return lanes


def _bars(lane: Sequence[Span], shortest: float) -> Iterable[Bar]:
    """Spans one by one; those that follow each other within `shortest` seconds as one bar."""
    group: list[Span] = []
    for span in lane:
        if group and span.end - group[0].start > shortest:
            yield _bar(group)
            group = []
        group.append(span)
    if group:
        yield _bar(group)


def _bar(group: Sequence[Span]) -> Bar:
    outcomes = Counter(each.outcome for each in group)
    return Bar(
        start=group[0].start,
        end=max(each.end for each in group),
        held=sum(each.end - each.start for each in group),
        worked=sum(job[1] - job[0] for each in group if (job := _job_of(each))),
        count=len(group),
        outcome=outcomes.most_common(1)[0][0],
        failed=outcomes[LeaseEnd.FAILED],
        first=group[0],
    )


def _job_of(span: Span) -> tuple[float, float] | None:
    """The job's times within its lease: QuickSight's clock is not ours."""
    if span.job_start is None or span.job_end is None:
        return None
    start = max(span.job_start, span.start)
    return start, max(start, min(span.job_end, span.end))


def _share(spans: Iterable[tuple[float, float]], limit: int, begin: float, last: float) -> float:
    held = sum(max(0.0, min(end, last) - start) for start, end in spans)
    return min(1.0, held / (limit * (last - begin)))

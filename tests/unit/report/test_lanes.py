"""Leases side by side: no overlap, no lane too many, and gaps that are gaps."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain.export import Lease, Status
from snapshot_export.report.lanes import MAX_BARS, LeaseEnd, Span, lay_out, pack, spans_of
from tests.support.reports import export, exports_of, lease


def span(start: float, end: float, **more: object) -> Span:
    values: dict[str, object] = {"export_id": "e", "attempt": 1, "outcome": LeaseEnd.COMPLETED}
    return Span(start=start, end=end, **(values | more))  # type: ignore[arg-type]


@st.composite
def leases_of_slots(lay_out: st.DrawFn) -> tuple[int, list[Span]]:
    """Leases as a gate of so many slots lets them be, in any order."""
    slots = lay_out(st.integers(1, 6))
    spans = []
    for _ in range(slots):
        at = 0.0
        for gap, length in lay_out(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 40)))):
            spans.append(span(at + gap, at + gap + length))
            at += gap + length
    return slots, lay_out(st.permutations(spans))


@given(leases_of_slots())
def test_lanes_are_as_many_as_slots_and_hold_every_lease_once(
    found: tuple[int, list[Span]],
) -> None:
    slots, spans = found
    lanes = pack(spans, slots)
    assert len(lanes) == slots
    assert sorted((s.start, s.end) for lane in lanes for s in lane) == sorted(
        (s.start, s.end) for s in spans
    )
    for lane in lanes:
        assert all(one.end <= other.start for one, other in pairwise(lane))


def test_clocks_that_differ_make_no_further_lane_and_a_real_overlap_does() -> None:
    assert len(pack([span(0, 10), span(9, 20)], 1)) == 1
    assert len(pack([span(0, 10), span(5, 20)], 1)) == 2


def test_gaps_and_the_share_that_was_held_while_exports_waited() -> None:
    timeline = lay_out([span(0, 10), span(14, 20), span(0, 18), span(20, 90)], limit=2)
    assert timeline is not None
    assert [[(bar.start, bar.end) for bar in lane] for lane in timeline.lanes] == [
        [(0, 10), (14, 20), (20, 90)],
        [(0, 18)],
    ]
    assert (timeline.median_gap, timeline.longest_gap) == (2, 4)
    assert timeline.used == pytest.approx((10 + 6 + 18) / 40)
    assert timeline.worked == 0


def test_a_job_counts_within_its_lease_whatever_quicksights_clock_says() -> None:
    spans = [span(0, 10, job_start=-3.0, job_end=6.0), span(10, 20, job_start=12.0, job_end=25.0)]
    timeline = lay_out(spans, limit=1)
    assert timeline is not None and timeline.worked == pytest.approx(0.6)
    assert [bar.worked for bar in timeline.lanes[0]] == [6, 8]


def test_without_leases_there_is_nothing_to_draw_and_without_waiting_nothing_to_share() -> None:
    assert lay_out([], limit=12) is None
    timeline = lay_out([span(0, 10)], limit=12)
    assert timeline is not None and timeline.used is None and timeline.longest_gap is None
    assert len(timeline.lanes) == 12


def test_very_many_leases_make_few_bars_that_lose_no_second_and_no_gap() -> None:
    spans = [each for export in exports_of(30_000) for each in spans_of(export)]
    timeline = lay_out(spans, limit=12)
    assert timeline is not None
    bars = [bar for lane in timeline.lanes for bar in lane]
    assert len(bars) <= MAX_BARS + 12
    assert sum(bar.count for bar in bars) == len(spans)
    assert sum(bar.held for bar in bars) == pytest.approx(sum(s.end - s.start for s in spans))
    failed = sum(each.outcome is LeaseEnd.FAILED for each in spans)
    assert sum(bar.failed for bar in bars) == failed > 400
    assert {bar.outcome for bar in bars} == {LeaseEnd.COMPLETED}
    gap = [
        *(span(n, n + 1) for n in range(40_000)),
        *(span(n, n + 1) for n in range(60_000, 90_000)),
    ]
    drawn = lay_out(gap, limit=1)
    assert drawn is not None
    starts = [bar.start for bar in drawn.lanes[0]]
    ends = [bar.end for bar in drawn.lanes[0]]
    assert (40_000 in ends) and (60_000 in starts)


@pytest.mark.parametrize(
    ("status", "attempt", "leases", "outcomes"),
    [
        (Status.COMPLETED, 1, [lease(0, 5)], ["completed"]),
        (Status.COMPLETED, 2, [lease(0, 5), lease(20, 5, attempt=2)], ["again", "completed"]),
        (Status.FAILED, 1, [Lease(attempt=1, admitted_at=1, released_at=2)], ["failed"]),
        (
            Status.COMPLETED,
            1,
            [Lease(attempt=1, admitted_at=1, released_at=2), lease(20, 5)],
            ["unused", "completed"],
        ),
        (Status.CANCELLED, 1, [lease(0, 5)], ["cancelled"]),
        (Status.CANCELLED, 2, [lease(0, 5)], ["again"]),
        (Status.CANCELLED, 1, [Lease(attempt=1, admitted_at=1, released_at=2)], ["unused"]),
    ],
)
def test_each_lease_ends_in_its_way(
    status: Status, attempt: int, leases: list[Lease], outcomes: list[str]
) -> None:
    spans = spans_of(export(1, status, attempt=attempt, leases=tuple(leases)))
    assert [each.outcome.value for each in spans] == outcomes

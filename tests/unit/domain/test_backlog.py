"""The order of the backlog."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain.backlog import (
    DAY_BEGINS_SECONDS,
    DAY_SECONDS,
    BacklogEntry,
    accepted_at_of,
    front_rank,
    rank_anew,
    rank_of,
)

MORNING = 20_000 * DAY_SECONDS + DAY_BEGINS_SECONDS + 12 * 3600.0
HOUR = 3600.0


def rank(
    export_id: str = "e",
    *,
    priority: int = 5,
    deadline: float | None = None,
    at: float = MORNING,
    seconds: float = 40.0,
    burst: str | None = None,
    line: int = 0,
) -> str:
    return rank_of(
        priority=priority,
        deadline=deadline,
        accepted_at=at,
        export_id=export_id,
        expected_seconds=seconds,
        burst_id=burst,
        line=line,
    )


def test_ranks_sort_by_priority_then_deadline_then_age() -> None:
    ordered = [
        front_rank(rank(priority=9)),
        rank(priority=1, at=MORNING + 2 * HOUR),
        rank(deadline=MORNING + 5 * HOUR, at=MORNING + HOUR),
        rank(deadline=MORNING + 9 * HOUR, at=MORNING),
        rank(at=MORNING),
        rank(at=MORNING + HOUR),
    ]
    assert ordered == sorted(ordered)


def test_a_deadline_before_1970_is_as_early_as_any() -> None:
    assert rank(deadline=-86_400.0) == rank(deadline=0.0)


def test_an_entry_is_an_anonymous_users_and_not_at_risk_unless_it_says_so() -> None:
    entry = BacklogEntry(
        export_id="e", dashboard_id="d", digest="x", nonce="n", rank=rank(), attempt=1, admission=1
    )
    assert not entry.registered and not entry.at_risk


def test_within_a_burst_the_longest_expected_go_first_and_equals_in_their_lines_order() -> None:
    ordered = [
        rank("b-3", burst="b", line=3, seconds=200.0),
        rank("b-1", burst="b", line=1, seconds=40.0),
        rank("b-2", burst="b", line=2, seconds=41.0),
        rank("b-4", burst="b", line=4, seconds=5.0),
    ]
    assert ordered == sorted(ordered)


def test_a_burst_goes_whole_before_one_that_was_accepted_after_it() -> None:
    assert rank(burst="b", line=9, seconds=1.0) < rank(burst="a", at=MORNING + 1, seconds=900.0)


def test_single_exports_of_the_same_minutes_go_longest_first_and_equals_first_come() -> None:
    ordered = [
        rank("x", seconds=100.0, at=MORNING + 20),
        rank("z", seconds=40.0, at=MORNING + 1),
        rank("y", seconds=41.0, at=MORNING + 2),
        rank("w", seconds=900.0, at=MORNING + 301),
    ]
    assert ordered == sorted(ordered)


def test_a_day_of_waiting_is_worth_one_step_of_priority() -> None:
    waited = rank(priority=9, at=MORNING)
    assert rank(priority=1, at=MORNING + HOUR) < waited
    assert rank(priority=1, at=MORNING + 7 * DAY_SECONDS) < waited
    assert waited < rank(priority=1, at=MORNING + 9 * DAY_SECONDS)


@given(
    priority=st.integers(1, 9),
    other=st.integers(1, 9),
    at=st.floats(1.6e9, 2.2e9),
    hours=st.floats(0, 24 * 20),
)
def test_whoever_waits_long_enough_goes_before_every_newcomer(
    priority: int, other: int, at: float, hours: float
) -> None:
    newcomer = rank(priority=other, at=at + 9 * DAY_SECONDS + hours * HOUR)
    assert rank(priority=priority, at=at) < newcomer


def test_a_deadline_before_1970_or_after_2286_still_sorts() -> None:
    assert rank(deadline=-5.0) < rank(deadline=1.0) < rank(deadline=1e12)


@given(seconds=st.floats(0, 1e9))
def test_any_expected_time_gives_a_rank_of_one_length(seconds: float) -> None:
    assert len(rank(seconds=seconds)) == len(rank())


@given(before=st.floats(0, 1e9), now=st.floats(0, 1e9))
def test_a_rank_written_anew_is_the_one_that_would_be_written_now(
    before: float, now: float
) -> None:
    assert rank_anew(rank(seconds=before, burst="b", line=7), now) == rank(
        seconds=now, burst="b", line=7
    )


def test_a_rank_tells_when_its_export_was_accepted_or_its_burst() -> None:
    assert accepted_at_of(rank(at=MORNING + 1.5, line=7)) == MORNING + 1.5
    assert accepted_at_of(rank(at=MORNING + 1.5, burst="b", line=7)) == MORNING + 1.5


def test_a_rank_of_another_shape_stays_as_it_is() -> None:
    for other in ("1#5#e", f"{rank()}#more"):
        assert rank_anew(other, 90.0) == other
        assert accepted_at_of(other) is None


def test_a_rank_is_written_as_stored_ones_are() -> None:
    written = "1#020005#5#9999999999#01728108000000##480#01728108000000#e"
    assert rank() == written
    assert front_rank(written) == "0" + written[1:]

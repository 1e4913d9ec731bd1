"""The order of the backlog."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain.backlog import (
    DAY_BEGINS_SECONDS,
    DAY_SECONDS,
    WINDOW_MS,
    BacklogEntry,
    front_rank,
    longest_first,
    rank_class,
    rank_of,
    start_tag_of,
)

MORNING = 20_000 * DAY_SECONDS + DAY_BEGINS_SECONDS + 12 * 3600.0
HOUR = 3600.0


def rank(
    export_id: str = "e",
    *,
    priority: int = 5,
    deadline: float | None = None,
    at: float = MORNING,
    tag: float = 0.0,
    burst: str | None = None,
) -> str:
    """Accepted at `at`, with a start tag `tag` milliseconds behind that."""
    of_class = rank_class(priority=priority, deadline=deadline, accepted_at=at)
    return rank_of(of_class, 1000 * at + tag, export_id=export_id, burst_id=burst)


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


def test_within_a_class_the_start_tags_decide_and_a_single_export_goes_before_a_bursts() -> None:
    ordered = [
        rank("b-1", burst="b", tag=0),
        rank("single", tag=3333),
        rank("b-2", burst="b", tag=3333),
        rank("a-1", burst="a", at=MORNING + 10),
    ]
    assert ordered == sorted(ordered)


def in_turn(*waiting: tuple[str, float]) -> list[str]:
    """The ids of ranks, in order, and their seconds, as they go."""
    seconds = dict(waiting)
    ranks = sorted(seconds)
    return [each.split("#")[-1] for each in longest_first(ranks, str, seconds.__getitem__)]


def test_the_longest_of_a_flow_goes_first_and_equals_by_their_tags() -> None:
    found = in_turn(
        (rank("short", tag=0), 5.0),
        (rank("first", tag=1), 40.0),
        (rank("second", tag=2), 40.0),
        (rank("long", tag=3), 200.0),
    )
    assert found == ["long", "first", "second", "short"]


def test_a_flow_keeps_its_places_among_others() -> None:
    found = in_turn(
        (rank("b-1", burst="b", tag=0), 5.0),
        (rank("single", tag=1), 1.0),
        (rank("b-2", burst="b", tag=2), 50.0),
        (rank("first", priority=1), 0.5),
    )
    assert found == ["first", "b-2", "single", "b-1"]


@given(st.lists(st.floats(1, 900), min_size=1, max_size=60), st.integers(1, 100_000))
def test_an_export_is_passed_only_by_what_lies_in_its_window(
    seconds: list[float], step: int
) -> None:
    waiting = [(rank(f"{i:03d}", tag=i * step), each) for i, each in enumerate(seconds)]
    found = [int(export_id) for export_id in in_turn(*waiting)]
    assert sorted(found) == [*range(len(seconds))]
    for place, number in enumerate(found):
        passing = [other for other in found[:place] if other > number]
        assert all((other - number) * step <= WINDOW_MS for other in passing)


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


def test_a_rank_of_another_shape_has_no_tag_and_stays_where_it_is() -> None:
    for other in ("1#5#e", f"{rank()}#more"):
        assert start_tag_of(other) is None
        assert longest_first([other, rank()], str, len) == [other, rank()]


def test_ranks_of_versions_before_are_read() -> None:
    written = "1#020005#5#9999999999#01728108000000##480#01728108000000#e"
    assert start_tag_of(written) == 1_728_108_000_000
    assert in_turn((written, 1.0), (rank("longer", tag=1), 2.0)) == ["longer", "e"]


def test_a_rank_is_written_as_stored_ones_are() -> None:
    written = "1#020005#5#9999999999#01728108000000##e"
    assert rank() == written
    assert front_rank(written) == "0" + written[1:]

"""Fair shares cost the whole nothing: the last job of all ends as early as it did."""

from __future__ import annotations

from heapq import heapreplace
from random import Random
from statistics import mean

import pytest

from snapshot_export.domain.backlog import longest_first, rank_class, rank_of
from snapshot_export.domain.fair_share import Flow, cost_of

SLOTS = 12
CLASS = rank_class(priority=5, deadline=None, accepted_at=1.8e9)


def makespan(seconds: list[float]) -> float:
    """How long the slots need for jobs in this order."""
    slots = [0.0] * SLOTS
    for each in seconds:
        heapreplace(slots, slots[0] + each)
    return max(slots)


def in_fair_order(flows: list[list[float]]) -> list[float]:
    """The jobs of some bursts as they are admitted."""
    jobs = []
    for number, seconds in enumerate(flows):
        flow = Flow(virtual_time=0.0, slots=SLOTS)
        for line, each in enumerate(seconds):
            tag = flow.start_tag(each)
            rank = rank_of(CLASS, tag, export_id=f"{line:06d}", burst_id=f"b{number}")
            jobs.append((rank, each))
    ordered = longest_first(sorted(jobs), lambda job: job[0], lambda job: job[1])
    return [each for _, each in ordered]


@pytest.mark.parametrize("counts", [[100], [300], [1000], [50, 50], [20, 200], [100] * 5])
def test_the_makespan_is_at_most_a_hundredth_longer_than_longest_first_of_all(
    counts: list[int],
) -> None:
    ratios = []
    for seed in range(20):
        random = Random(seed)
        flows = [[40 * random.lognormvariate(0, 0.5) for _ in range(n)] for n in counts]
        everything = [each for flow in flows for each in flow]
        ratios.append(makespan(in_fair_order(flows)) / makespan(sorted(everything, reverse=True)))
    assert mean(ratios) <= 1.01


def test_a_tag_moves_on_by_the_time_on_all_slots_and_by_the_weight() -> None:
    assert cost_of(48.0, slots=12) == 4000.0
    assert cost_of(48.0, slots=12, weight=4) == 1000.0
    assert cost_of(0.0, slots=100, weight=10) == 1.0


def test_a_flow_begins_where_others_are_served_and_goes_on_where_it_was() -> None:
    assert Flow(virtual_time=5000.0, finish=100.0, slots=12).start_tag(12.0) == 5000.0
    later = Flow(virtual_time=5000.0, finish=9000.0, slots=12)
    assert (later.start_tag(12.0), later.start_tag(12.0)) == (9000.0, 10000.0)

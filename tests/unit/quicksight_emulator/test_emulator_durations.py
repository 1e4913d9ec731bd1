"""Job times: the distribution that the benchmarks rely on."""

from statistics import fmean, pstdev

import pytest

from local.quicksight import Emulator, Settings
from local.quicksight.durations import draw_job_seconds
from local.quicksight.sample_catalogue import SAMPLE_DASHBOARDS
from tests.unit.quicksight_emulator.support import PDF, Caller, Clock, tabular

DASHBOARDS = [each.dashboard_id for each in SAMPLE_DASHBOARDS]


@pytest.mark.parametrize("formats", ["PDF", "CSV", "CSV+EXCEL+PDF"])
@pytest.mark.parametrize("seed", [0, 7, 2018])
def test_the_mean_over_the_catalogue_is_40_s_whatever_the_seed(seed: int, formats: str) -> None:
    seconds = [
        draw_job_seconds(seed, DASHBOARDS, dashboard, formats, occurrence)
        for dashboard in DASHBOARDS
        for occurrence in range(400)
    ]
    assert fmean(seconds) == pytest.approx(40.0, rel=0.02)
    assert pstdev(seconds) / fmean(seconds) == pytest.approx(0.8, rel=0.03)


def test_jobs_of_one_dashboard_and_set_of_formats_vary_little() -> None:
    for dashboard in DASHBOARDS:
        seconds = [draw_job_seconds(7, DASHBOARDS, dashboard, "PDF", n) for n in range(800)]
        assert pstdev(seconds) / fmean(seconds) == pytest.approx(0.15, rel=0.1)


def test_a_seed_decides_every_time() -> None:
    drawn = [draw_job_seconds(7, DASHBOARDS, "open-invoices", "PDF", n) for n in range(5)]
    again = [draw_job_seconds(7, DASHBOARDS, "open-invoices", "PDF", n) for n in range(5)]
    other = [draw_job_seconds(8, DASHBOARDS, "open-invoices", "PDF", n) for n in range(5)]
    assert drawn == again
    assert drawn != other
    assert len(set(drawn)) == 5


def test_which_dashboards_are_slow_depends_on_seed_and_formats() -> None:
    def slowest(seed: int, formats: str) -> str:
        return max(
            DASHBOARDS, key=lambda name: draw_job_seconds(seed, DASHBOARDS, name, formats, 0)
        )

    assert len({slowest(seed, "PDF") for seed in range(8)}) > 1
    assert len({slowest(7, formats) for formats in ("PDF", "CSV", "EXCEL", "CSV+PDF")}) > 1


def test_a_job_takes_the_time_of_its_formats_and_occurrence(caller: Caller, clock: Clock) -> None:
    caller.start("a")
    caller.start("b")
    caller.start("c", files=(PDF, tabular("CSV"), tabular("CSV")))
    drawn = [job["seconds"] for job in caller.emulator.ledger()["jobs"]]
    assert drawn == [
        draw_job_seconds(7, DASHBOARDS, "sales-overview", "PDF", 0),
        draw_job_seconds(7, DASHBOARDS, "sales-overview", "PDF", 1),
        draw_job_seconds(7, DASHBOARDS, "sales-overview", "CSV+PDF", 0),
    ]


def start_each(customers: list[str]) -> dict[str, float]:
    """The time of each customer's job, started in this order, with times by viewer."""
    emulator = Emulator(Settings(durations="by-viewer", limit=100), now=Clock())
    caller = Caller(emulator)
    for customer in customers:
        caller.start(customer, tags=(("customer_id", customer),))
    return {job["SnapshotJobId"]: job["seconds"] for job in emulator.ledger()["jobs"]}


def test_by_viewer_a_job_takes_the_same_time_whenever_it_comes() -> None:
    customers = [f"cust-{number:04}" for number in range(1, 9)]
    times = start_each(customers)
    assert times == start_each(customers[::-1]) == start_each(customers)
    assert len(set(times.values())) == len(customers)


def test_by_viewer_the_jobs_of_ten_dashboards_vary_as_an_account_does() -> None:
    ten = DASHBOARDS[:10]
    seconds = [
        draw_job_seconds(7, ten, dashboard, "PDF", f"\0customer_id=cust-{number:04}")
        for dashboard in ten
        for number in range(400)
    ]
    assert fmean(seconds) == pytest.approx(40.0, rel=0.02)
    assert pstdev(seconds) / fmean(seconds) == pytest.approx(0.8, rel=0.03)


def test_an_account_may_have_the_first_dashboards_only() -> None:
    emulator = Emulator(Settings(dashboards=1), now=Clock())
    caller = Caller(emulator)
    assert caller.start("a", dashboard_id=DASHBOARDS[0]).error is None
    assert caller.start("b", dashboard_id=DASHBOARDS[1]).error == "ResourceNotFoundException"

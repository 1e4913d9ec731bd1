"""The forecast through the API, over the flows' own records, and what happens then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from snapshot_export.adapters.table.throughput import Overheads
from snapshot_export.domain.export import Status
from tests.support.api import call_api
from tests.support.bursts import burst, recipient
from tests.support.messages import csv_groups, message, pdf_group, visuals_group
from tests.support.world import World

DASHBOARD = "sales-overview"


def seconds(world: World, text: str) -> float:
    """From now to a time of the API's."""
    return datetime.fromisoformat(text).timestamp() - world.clock.now()


def at(world: World, later: float) -> str:
    moment = datetime.fromtimestamp(world.clock.now() + later, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def learn(world: World, job_seconds: float, jobs: int = 12, formats: str = "PDF") -> None:
    for _ in range(jobs):
        world.services.durations.learn(DASHBOARD, formats, job_seconds)


def plan(world: World, **changes: Any) -> dict[str, Any]:
    body = {"Exports": [{"DashboardId": DASHBOARD, "Count": 120}]} | changes
    answer = call_api(world.services, "POST", "/forecast", body)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.body
    return found


def test_where_nothing_is_to_do_no_end_is_told(world: World) -> None:
    answer = call_api(world.services, "GET", "/forecast")
    assert answer.status == 200
    assert (answer.body["Running"], answer.body["Waiting"]) == (0, 0)
    assert answer.body["FinishP50"] is None and answer.body["Bursts"] == []


def test_a_plan_is_the_work_over_the_slots_and_submits_nothing(world: World) -> None:
    learn(world, 30)
    planned = plan(world, Deadline=at(world, 1000))
    assert seconds(world, planned["FinishP50"]) == pytest.approx(120 / 12 * 31.5, rel=0.07)
    assert planned["FinishP50"] < planned["FinishP95"] < at(world, 400)
    assert planned["ChanceToMeetDeadline"] == 1 and planned["LearnedShare"] == 1
    latest = seconds(world, planned["LatestSafeStart"])
    assert latest == pytest.approx(1000 - seconds(world, planned["FinishP95"]), abs=25)
    assert call_api(world.services, "GET", "/exports").body["Exports"] == []


def test_a_plan_that_comes_too_late_says_so(world: World) -> None:
    learn(world, 30)
    planned = plan(world, Deadline=at(world, 200))
    assert planned["ChanceToMeetDeadline"] == 0 and planned["LatestSafeStart"] is None


def test_without_anything_learned_a_plan_is_told_with_its_doubt(world: World) -> None:
    unknown, known = plan(world), None
    learn(world, 30)
    known = plan(world)
    assert unknown["LearnedShare"] == 0
    widths = [
        seconds(world, each["FinishP95"]) / seconds(world, each["FinishP50"])
        for each in (unknown, known)
    ]
    assert widths[0] > 1.5 and widths[1] < 1.25


def test_a_plan_waits_its_turn_by_priority(world: World) -> None:
    learn(world, 30)
    for number in range(60):
        world.send(message(f"e-{number}"))
    first, last = plan(world, Priority=1), plan(world, Priority=9)
    assert first["FinishP50"] < last["FinishP50"]
    assert (first["Running"], first["Waiting"]) == (12, 48)


def test_no_end_is_told_while_nothing_is_let_in(world: World) -> None:
    call_api(world.services, "PUT", "/capacity", {"Limit": 0})
    world.send(message("e-1"))
    assert plan(world)["FinishP50"] is None
    assert call_api(world.services, "GET", "/forecast").body["FinishP95"] is None
    assert call_api(world.services, "GET", "/exports/e-1").body["ExpectedEnd"] is None


def test_a_pause_is_waited_for(world: World) -> None:
    learn(world, 30)
    call_api(world.services, "PUT", "/capacity", {"PausedUntil": at(world, 500)})
    one = plan(world, Exports=[{"DashboardId": DASHBOARD}])
    assert seconds(world, one["FinishP50"]) == pytest.approx(533, abs=4)


def test_more_files_than_one_job_makes_count_as_jobs_one_after_another(world: World) -> None:
    learn(world, 30)
    twice = plan(world, Exports=[{"DashboardId": DASHBOARD, "Formats": ["PDF"] * 2, "Count": 60}])
    once = plan(world)
    assert seconds(world, twice["FinishP50"]) == pytest.approx(
        seconds(world, once["FinishP50"]), rel=0.03
    )


def test_later_jobs_of_an_export_count_while_it_waits_and_runs(world: World) -> None:
    for label, length in (("5 CSV", 50.0), ("CSV", 20.0)):
        for _ in range(6):
            world.services.durations.learn("board-pack", label, length)
    world.services.store.change_gate({"paused_until": world.clock.now() + 100})
    began = world.clock.now()
    world.send(message("parts", dashboard="board-pack", groups=csv_groups(6)))

    def left() -> float:
        end = call_api(world.services, "GET", "/exports/parts").body["ExpectedEnd"]
        return datetime.fromisoformat(end).timestamp() - began

    assert left() == pytest.approx(100 + 70, abs=8)
    forecast = call_api(world.services, "GET", "/forecast").body
    assert seconds(world, forecast["FinishP50"]) == pytest.approx(170, abs=8)
    world.driver.run(until=began + 125)
    assert world.export("parts").status is Status.RUNNING
    started = world.export("parts").admitted_at
    assert started is not None and left() == pytest.approx(started - began + 70, abs=8)


@pytest.mark.parametrize(("slots", "between"), [(2, 30.0), (1, 10.0)])
def test_what_lies_between_two_jobs_of_an_export_counts(
    world: World, slots: int, between: float
) -> None:
    for label, length in (("5 CSV", 50.0), ("CSV", 20.0)):
        for _ in range(6):
            world.services.durations.learn("board-pack", label, length)
    for _ in range(400):
        world.services.throughput.count_completed(world.clock.now(), Overheads(10.0, 20.0))
    pause = {"limit": slots, "paused_until": world.clock.now() + 100}
    world.services.store.change_gate(pause)
    began = world.clock.now()
    world.send(message("parts", dashboard="board-pack", groups=csv_groups(6)))
    world.send(message("behind"))
    end = call_api(world.services, "GET", "/exports/parts").body["ExpectedEnd"]
    left = datetime.fromisoformat(end).timestamp() - began
    assert left == pytest.approx(100 + 70 + between + 10 + 20, abs=9)


def test_formats_are_told_apart(world: World) -> None:
    learn(world, 10)
    learn(world, 100, formats="2 CSV+PDF")
    quick = plan(world)
    slow = plan(
        world,
        Exports=[{"DashboardId": DASHBOARD, "Formats": ["CSV", "PDF", "CSV"], "Count": 120}],
    )
    assert seconds(world, slow["FinishP50"]) > 7 * seconds(world, quick["FinishP50"])


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"Exports": []}, "Exports"),
        ({"Exports": [{"DashboardId": "a b"}]}, "Exports[0].DashboardId"),
        ({"Exports": [{"DashboardId": "a", "Formats": ["DOC"]}]}, "Exports[0].Formats[0]"),
        ({"Exports": [{"DashboardId": "a", "Count": 100_000}] * 2}, "Exports"),
        ({"Priority": 0}, "Priority"),
        ({"Deadline": "soon"}, "Deadline"),
    ],
)
def test_a_wrong_plan_is_400_with_its_place(
    world: World, change: dict[str, Any], place: str
) -> None:
    body = {"Exports": [{"DashboardId": "a"}]} | change
    answer = call_api(world.services, "POST", "/forecast", body)
    assert answer.status == 400
    assert [problem["Place"] for problem in answer.body["Problems"]] == [place]


@pytest.mark.nightly
def test_the_end_that_is_told_of_exports_and_bursts_is_kept(world: World) -> None:
    """Learned from a first burst, told at the start of a second one, compared with its end."""
    recipients = [recipient(number) for number in range(30)]
    for burst_id in ("first", "second"):
        body = burst(burst_id, recipients, Deadline=at(world, 3600))
        assert call_api(world.services, "POST", "/bursts", body).status == 202
        world.work_on_bursts()
        if burst_id == "first":
            world.driver.run()
    told = call_api(world.services, "GET", "/forecast").body
    (of_burst,) = told["Bursts"]
    assert of_burst["BurstId"] == "second" and of_burst["Open"] == 30
    assert of_burst["ChanceToMeetDeadline"] == 1
    assert of_burst["FinishP50"] == told["FinishP50"]
    expected = call_api(world.services, "GET", "/bursts/second").body["ExpectedEnd"]
    assert seconds(world, expected) == pytest.approx(seconds(world, told["FinishP50"]), rel=0.03)
    last = call_api(world.services, "GET", "/exports/second-30").body
    assert told["At"] < last["ExpectedEnd"] <= told["FinishP95"]
    start = world.clock.now()
    world.driver.run()
    finished = call_api(world.services, "GET", "/bursts/second").body
    assert finished["Status"] == "COMPLETED" and finished["ExpectedEnd"] is None
    happened = max(world.export(f"second-{n}").finished_at or 0 for n in range(1, 31)) - start
    p50, p95 = (datetime.fromisoformat(told[name]).timestamp() - start
                for name in ("FinishP50", "FinishP95"))  # fmt: skip
    assert happened <= p95 and happened == pytest.approx(p50, rel=0.15)


def test_what_does_not_wait_for_others_ends_without_them(world: World) -> None:
    """A running export's end does not move when a hundred others are submitted."""
    learn(world, 30)
    world.send(message("e-0", groups=[pdf_group()]))
    alone = call_api(world.services, "GET", "/exports/e-0").body["ExpectedEnd"]
    for number in range(1, 25):
        world.send(message(f"e-{number}", groups=[visuals_group("CSV", "lines")]))
    beside = call_api(world.services, "GET", "/exports/e-0").body["ExpectedEnd"]
    assert abs(seconds(world, beside) - seconds(world, alone)) < 5
    assert timedelta(seconds=seconds(world, alone)) < timedelta(seconds=45)


def listed(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call_api(world.services, "GET", "/exports").body["Exports"]
    return found


def test_what_holds_no_slot_while_its_files_are_collected_says_so(world: World) -> None:
    world.send(message("e-1"))
    world.driver.run(until=world.clock.now() + 5)
    running = call_api(world.services, "GET", "/exports/e-1").body
    assert (running["Status"], running["Collecting"]) == ("RUNNING", False)
    assert [each["Collecting"] for each in listed(world)] == [False]
    attempt = world.services.store.attempt("e-1")
    assert attempt is not None
    now = world.clock.now()
    world.services.store.release(attempt, "COMPLETED", now, now)
    collecting = call_api(world.services, "GET", "/exports/e-1").body
    assert (collecting["Status"], collecting["Collecting"]) == ("RUNNING", True)
    assert [(each["Status"], each["Collecting"]) for each in listed(world)] == [("RUNNING", True)]

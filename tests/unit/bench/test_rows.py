"""A row's numbers, and the documents made of them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bench.chart import draw_chart, make_bars
from bench.many_slots import HINTS as VIRTUAL
from bench.many_slots import simulate_rows
from bench.prices import Counts, Usage, load_prices
from bench.report import CHART, DOCUMENT, RESULTS, write_growth, write_results
from bench.requests import DASHBOARDS, MOST, as_start, make_requests
from bench.rows import COLD, LEARNED, LOST, NAMES, WAVES, Outcome, Row, choose_rows, measure_row
from local.breakdown import DESCRIBE, START
from local.quicksight.dataset import CUSTOMERS
from snapshot_export.domain.request import parse_request
from tests.support.targets import ONE_TARGET


def call(time: float, operation: str, outcome: str = "OK", running: int = 1) -> dict[str, Any]:
    return {
        "time": time,
        "operation": operation,
        "SnapshotJobId": "cold-0001",
        "outcome": outcome,
        "lost": False,
        "running": running,
    }


LEDGER: dict[str, Any] = {
    "limit": 2,
    "jobs": [
        {"SnapshotJobId": "cold-0001", "created": 101.0, "ended": 121.0, "seconds": 20.0},
        {"SnapshotJobId": "learned-0001", "created": 1.0, "ended": 900.0, "seconds": 899.0},
    ],
    "calls": [
        call(100.5, START, "LimitExceededException"),
        call(100.8, START, "ThrottlingException"),
        call(101.0, START, running=2),
        call(122.0, DESCRIBE, running=0),
        {**call(102.0, START, running=9), "SnapshotJobId": "learned-0001"},
    ],
}


def outcome(**changes: Any) -> Outcome:
    counts = Counts(
        writes=30, transitions=14, function_seconds=36.0, usage=Usage(state_transitions=14)
    )
    plain: dict[str, Any] = {
        "name": COLD,
        "exports": 2,
        "completed": 2,
        "ledger": LEDGER,
        "prefix": "cold-",
        "sent_at": 100.0,
        "finished_at": 124.0,
        "counts": counts,
        "is_process": False,
    }
    return Outcome(**plain | changes)


def row(**changes: Any) -> Row:
    return measure_row(outcome(**changes), load_prices())


def test_a_row_is_measured_by_its_own_part_of_the_ledger() -> None:
    found = row()
    assert (found.makespan_s, found.bound_s, found.ratio) == (24.0, 20.0, 1.2)
    assert (found.peak_running, found.throttled, found.limit_exceeded) == (2, 1, 1)
    assert found.quicksight_calls_per_export == 2.0
    assert found.most_calls_in_a_second == 3
    assert (found.calls_per_second, found.functions_at_once) == (0.17, 1.5)
    assert found.state_transitions_per_export == 7.0
    assert found.dynamodb_writes_per_export == 15.0
    assert found.dollars_per_1000_exports == pytest.approx(7 * 0.025)
    assert sum(found.lost_seconds.values()) == pytest.approx(24.0 - 20.0 / 2)


def test_without_files_a_row_ends_when_its_last_job_is_seen() -> None:
    assert row(finished_at=None).makespan_s == 22.0


def test_a_process_that_waits_is_paid_for() -> None:
    waiting, free = row(is_process=True), row()
    assert waiting.dollars_per_1000_exports > free.dollars_per_1000_exports
    assert waiting.dollars_by_part["process_hours"] == pytest.approx(
        24 / 3600 * load_prices()["process_hours"] * 500, abs=1e-5
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", NAMES),
        ("ours, cold", (COLD,)),
        ("ours, learned", (COLD, LEARNED)),
        ("ours, every hint lost", (COLD, LOST)),
        ("waves of 12; ours, cold", (COLD, WAVES)),
    ],
)
def test_rows_are_chosen_by_name(text: str, names: tuple[str, ...]) -> None:
    assert choose_rows(text) == names


def test_a_text_that_names_no_row_is_refused() -> None:
    with pytest.raises(ValueError, match="names none of the rows: ours, cold"):
        choose_rows("theirs")


def test_requests_are_valid_distinct_and_of_ten_dashboards() -> None:
    bodies = make_requests(MOST)
    assert MOST == DASHBOARDS * CUSTOMERS
    assert len({parse_request(json.dumps(body), ONE_TARGET).digest for body in bodies}) == MOST
    assert len({body["DashboardId"] for body in bodies}) == 10
    assert make_requests(3) == bodies[:3]
    for wrong in (0, MOST + 1):
        with pytest.raises(ValueError, match="exports, not"):
            make_requests(wrong)


def test_a_start_has_its_ids_and_its_files_in_the_bucket() -> None:
    start = as_start(
        make_requests(1)[0], account="000000000000", region="us-east-1", bucket="b", job_id="j-1"
    )
    destination = start["SnapshotConfiguration"]["DestinationConfiguration"]["S3Destinations"][0]
    assert destination["BucketConfiguration"]["BucketName"] == "b"
    assert (start["AwsAccountId"], start["SnapshotJobId"]) == ("000000000000", "j-1")


def test_bars_are_drawn_from_the_top_and_ours_stand_out() -> None:
    rows = [asdict(row()), asdict(row(name=WAVES))]
    bars = make_bars(rows, "ratio", "{:.2f}")
    assert [(bar.name, bar.value, bar.label) for bar in bars] == [
        (WAVES, 1.2, "1.20"),
        (COLD, 1.2, "1.20"),
    ]
    assert bars[0].colour != bars[1].colour


def test_the_chart_is_svg_and_the_same_for_the_same_rows() -> None:
    rows = [asdict(row()), asdict(row(name=WAVES))]
    drawn = draw_chart(rows)
    assert ET.fromstring(drawn).tag.endswith("svg")
    assert drawn == draw_chart(rows)


def test_results_and_document_tell_every_row(tmp_path: Path) -> None:
    for folder in ("bench", "docs"):
        (tmp_path / folder).mkdir()
    result = {
        "measured_at": "2026-11-23T17:00:00Z",
        "commit": "abc1234",
        "machine": {"cpus": 2, "load_15_min": 0.5, "python": "3.11.2"},
        "exports": 2,
        "slots": 12,
        "is_virtual": False,
        "calls_per_second": 5.0,
        "seed": 7,
        "scale": 1.0,
        "rows": [asdict(row()), asdict(row(name=WAVES))],
    }
    on_virtual_time = {"slots": 100, "is_virtual": True, "rows": [asdict(row(name=VIRTUAL))]}
    write_results(result | on_virtual_time, tmp_path)
    write_results(result | {"measured_at": "a day ago"}, tmp_path)
    write_results(result, tmp_path)
    level = {"waiting": 100, "calls_per_export": 10.25}
    write_growth({"method": "How.", "levels": [level], "verdict": "Flat."}, tmp_path)
    kept = json.loads((tmp_path / RESULTS).read_text(encoding="utf-8"))
    first, second = kept["runs"]
    assert [each["name"] for each in first["rows"]] == [COLD, WAVES]
    assert [each["name"] for each in second["rows"]] == [VIRTUAL]
    text = (tmp_path / DOCUMENT).read_text(encoding="utf-8")
    assert "| ours, cold | 1.200 | 24 s | 2 |" in text and "a day ago" not in text
    assert "2 exports, 100 slots" in text and "5 calls a second" in text
    assert "| waves of 12 | 1.200 |" in text
    assert "| poll | 0.50 s |" in text
    assert "| 100 | 10.25 |" in text and "Flat." in text
    assert CHART.name in text and (tmp_path / CHART).exists()


def test_many_slots_are_simulated_with_hints_and_without() -> None:
    hints, polls = simulate_rows(slots=20, jobs=60, seed=7)
    for each in (hints, polls):
        assert each.completed == each.exports == 60
        assert (each.throttled, each.limit_exceeded) == (0, 0)
        assert each.peak_running == 20 and each.most_calls_in_a_second <= 10
    assert hints.bound_s == polls.bound_s
    assert hints.quicksight_calls_per_export < 5 < polls.quicksight_calls_per_export

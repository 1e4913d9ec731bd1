"""What a report shows of many exports: failed ones first, numbers of all, memory of few."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from snapshot_export.domain.export import ErrorInfo, Export, Status
from snapshot_export.report import collector as burst_report
from snapshot_export.report.collector import ReportCollector
from tests.support.reports import BEGIN, export, exports_of, lease, report_of


def test_the_numbers_are_of_all_exports() -> None:
    exports = [
        export(1, leases=(lease(10, 30),), finished_at=BEGIN + 42, job_seconds=30.0),
        export(2, leases=(lease(20, 50),), finished_at=BEGIN + 72, job_seconds=50.0),
        export(3, Status.CANCELLED, finished_at=BEGIN + 5, deadline=BEGIN + 60),
    ]
    report = report_of(exports)
    assert (report.median_wait, report.median_job) == (15, 40)
    assert (report.begun_at, report.ended_at) == (BEGIN + 10, BEGIN + 72)
    assert report.deadline == BEGIN + 60
    assert report.dashboards == (("sales-overview", 3),) and report.formats == (("PDF", 3),)
    assert (report.files, report.bytes) == (2, 2 * 52_311 + 3 * 97)
    assert [row.line for row in report.rows] == [3, 1, 2]


def test_of_too_many_the_failed_are_shown_first_and_the_others_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(burst_report, "MAX_ROWS", 4)
    error = ErrorInfo("LATE")
    statuses = [Status.COMPLETED] * 5 + [Status.CANCELLED] * 2 + [Status.FAILED] * 3
    exports = [export(number, each, error=error) for number, each in enumerate(statuses)]
    report = report_of(exports)
    assert [row.status.value for row in report.rows] == ["FAILED"] * 3 + ["CANCELLED"]
    assert report.rows_left_out == 6


def test_memory_does_not_grow_with_the_burst_but_for_its_leases(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(burst_report, "MAX_ROWS", 50)

    def peak(count: int) -> int:
        tracemalloc.start()
        collector = ReportCollector()
        for each in exports_of(count):
            collector.add(each)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    few, many = peak(500), peak(3000)
    assert (many - few) / 2500 < 500


def test_leases_past_a_number_are_counted_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(burst_report, "MAX_SPANS", 10)
    report = report_of(exports_of(20))
    assert report.timeline is not None
    assert report.timeline.spans == 10 and report.timeline.left_out == 20 + 1 - 10, "one twice"


def test_records_of_before_leases_were_kept_have_a_row_and_no_bar() -> None:
    def old() -> Iterator[Export]:
        yield export(1, admitted_at=BEGIN + 3, finished_at=BEGIN + 9, job_seconds=0)

    report = report_of(old())
    assert report.timeline is None and report.begun_at is None
    assert report.rows[0].waited == 3 and report.rows[0].job_seconds is None

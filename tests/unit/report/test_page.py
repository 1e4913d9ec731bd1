"""The page as text: what is on it, what must not be, and how numbers read."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from snapshot_export.domain.data_wait import DataDecision, DataSetState, Outcome, Readiness
from snapshot_export.domain.export import ErrorInfo, ExportedFile, Status
from snapshot_export.report.collector import RecipientsAsked, RecordedForecast, Report
from snapshot_export.report.links import console_link
from snapshot_export.report.page import render_page
from snapshot_export.report.words import count, length, size
from tests.support.reports import (
    BEGIN,
    MANIFEST,
    SECRET_PARAMETER,
    SECRET_TAG,
    export,
    exports_of,
    lease,
    report_of,
)

HOSTILE = "</script></title><img src=x onerror=alert(1)>\"'&<svg onload=alert(2)>$name"
VOID = {"meta", "link", "input", "br", "img"}


def page_of(report: Report) -> str:
    return "".join(
        render_page(report, link=lambda uri: console_link(uri, "eu-west-1"), written_at=BEGIN)
    )


class Tags(HTMLParser):
    """Every element that a page has, and whether they are closed in the order of opening."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"{tag} at {self.getpos()}"


def late_data(outcome: Outcome) -> DataDecision:
    late = DataSetState(
        data_set_id="sales",
        readiness=Readiness.NOT_YET,
        reason="its refresh ended FAILED",
        refreshed_at=BEGIN - 3600,
        rows_dropped=1200,
    )
    return DataDecision(
        decided_at=BEGIN, outcome=outcome, since=BEGIN - 7200, until=BEGIN, data_sets=(late,)
    )


@pytest.mark.parametrize("outcome", [*Outcome])
def test_what_was_decided_of_its_data_is_a_section(outcome: Outcome) -> None:
    page = page_of(report_of([export(2)], data=late_data(outcome), weight=3))
    for shown in ("The data</h2>", "sales", "its refresh ended FAILED", "1,200", "Weight"):
        assert shown in page
    assert not Tags(page).open
    assert "The data</h2>" not in page_of(report_of([export(2)]))


@pytest.mark.parametrize(("released_at", "word"), [(BEGIN, "released <time"), (None, "not rel")])
def test_the_query_for_its_recipients_is_a_section(released_at: float | None, word: str) -> None:
    asked = RecipientsAsked(
        query_id="q-1", found=9, expected=3, held="A change.", released_at=released_at
    )
    page = page_of(report_of([export(2)], recipients_asked=asked))
    assert "found 9 recipients, 3 expected. The burst was held: A change. It was" in page
    assert word in page and not Tags(page).open


def hostile_report() -> Report:
    error = ErrorInfo(HOSTILE, HOSTILE)
    file = ExportedFile(format="PDF", uri=f"s3://exports/exports/{HOSTILE}", size=1)
    exports = [
        export(
            number,
            status,
            export_id=f"{HOSTILE}-{number + 1}",
            recipient_id=HOSTILE,
            dashboard_id=f"{HOSTILE}{number}",
            error=error,
            files=(file, ExportedFile(format=HOSTILE, error=error)),
            leases=(lease(1, 5),),
            finished_at=BEGIN + 20,
        )
        for number, status in enumerate((Status.FAILED, Status.COMPLETED))
    ]
    return report_of(exports, name=HOSTILE, error=error, recipients=HOSTILE, manifest=HOSTILE)


def test_every_element_is_closed_and_ids_are_given_once() -> None:
    tags = Tags(page_of(report_of(exports_of(60))))
    assert tags.open == []
    ids = [attributes["id"] for _, attributes in tags.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    labelled = [a["aria-labelledby"] for _, a in tags.found if "aria-labelledby" in a]
    assert labelled and set(labelled) <= set(ids)


def test_hostile_values_are_text() -> None:
    page = page_of(hostile_report())
    tags = Tags(page)
    assert tags.open == []
    harmless = Tags(page_of(report_of(exports_of(3))))
    assert {tag for tag, _ in tags.found} <= {tag for tag, _ in harmless.found} | {"strong"}
    assert not [name for _, a in tags.found for name in a if name.startswith("on")]
    assert page.count("<script>") == 1 and "$name" in page
    links = [a["href"] or "" for tag, a in tags.found if tag == "a"]
    assert links and all(link.startswith("https://eu-west-1.console.aws") for link in links)


def test_total_failure_is_no_success_and_its_forecast_is_not_praised() -> None:
    error = ErrorInfo("SHEET_NOT_FOUND", "No sheet of this id")
    exports = [
        export(n, Status.FAILED, error=error, leases=(lease(1, 5),), finished_at=BEGIN + 20)
        for n in range(3)
    ]
    page = page_of(report_of(exports, status="FAILED"))
    assert '<span class="state failed">FAILED</span>' in page
    assert 'Why all 3 failed: <span class="mono">SHEET_NOT_FOUND</span> No sheet' in page
    assert "earlier than expected" not in page and "was kept" not in page


def test_what_failed_of_a_burst_stands_beside_its_forecast() -> None:
    page = page_of(report_of(exports_of(60), status="COMPLETED_WITH_FAILURES"))
    assert 'class="state completed_with_failures"' in page
    assert "<strong>1 failed</strong>; the forecast expects none to" in page


def test_no_tag_and_no_parameter_is_on_it() -> None:
    page = page_of(report_of(exports_of(30)))
    assert SECRET_TAG not in page and SECRET_PARAMETER not in page


def test_nothing_is_asked_of_any_server() -> None:
    tags = Tags(page_of(report_of(exports_of(3)))).found
    assert not [a["src"] for _, a in tags if "src" in a]
    assert [a["href"] for tag, a in tags if tag == "link"] == ["data:,"]
    (policy,) = [a["content"] for _, a in tags if a.get("http-equiv")]
    assert policy is not None and policy.startswith("default-src 'none';")
    assert "unsafe" not in policy and len(re.findall(r"'sha256-[\w+/]{43}='", policy)) == 2


def test_what_is_left_out_is_told_with_the_place_of_the_rest() -> None:
    page = page_of(report_of(exports_of(2150)))
    assert page.count("<tr><td") == 2001
    assert f'150 others in <span class="mono">{MANIFEST}</span>' in page
    assert len(page) < 3_000_000


def test_in_a_bar_of_many_the_failed_have_their_part() -> None:
    page = page_of(report_of(exports_of(4000)))
    assert page.count('class="bar completed"') > 500
    assert re.search(r"leases from invoices-2026-11-\d+ on, .*?; 1 of exports that failed", page)
    assert page.count('<g class="failed"><rect class="part"') > 50


@pytest.mark.parametrize(
    ("forecast", "words"),
    [
        (
            RecordedForecast(at=BEGIN, p50=BEGIN + 50, p95=BEGIN + 70),
            "within what 19 of 20 cases keep",
        ),
        (
            RecordedForecast(at=BEGIN, p50=BEGIN + 20, p95=BEGIN + 30),
            "12.0 s past what 19 of 20 cases",
        ),
        (
            RecordedForecast(at=BEGIN, p50=BEGIN + 42, p95=BEGIN + 50),
            "It ended when it was expected",
        ),
        (None, "No forecast was made."),
    ],
)
def test_the_forecast_is_compared_with_the_end(
    forecast: RecordedForecast | None, words: str
) -> None:
    ended = export(1, leases=(lease(1, 39),), finished_at=BEGIN + 42)
    assert words in page_of(report_of([ended], forecast=forecast))


def test_a_deadline_that_was_missed_is_said_to_be() -> None:
    ended = export(1, leases=(lease(1, 39),), finished_at=BEGIN + 42, deadline=BEGIN + 30)
    assert "The deadline was missed by 12.0 s" in page_of(report_of([ended]))
    assert "The deadline was missed by 12.0 s" in page_of(report_of([ended], forecast=None))


def test_files_are_linked_to_the_console_of_their_region() -> None:
    uri = "s3://b.c/exports/x/a b&c=ü.pdf"
    for region, domain in (
        ("eu-west-1", "aws.amazon.com"),
        ("cn-north-1", "amazonaws.cn"),
        ("us-gov-west-1", "amazonaws-us-gov.com"),
    ):
        assert console_link(uri, region) == (
            f"https://{region}.console.{domain}/s3/object/b.c"
            f"?region={region}&prefix=exports/x/a%20b%26c%3D%C3%BC.pdf"
        )


def test_lengths_and_sizes_read_well() -> None:
    assert [length(each) for each in (None, 0, 43.94, 59.96, 724, 3600, 7500, 90_061)] == [
        "\N{EN DASH}", "0.0 s", "43.9 s", "1 min", "12 min 4 s", "1 h", "2 h 5 min", "1 d 1 h",
    ]  # fmt: skip
    assert [size(each) for each in (0, 999, 1000, 52_311, 999_900, 5_200_000_000)] == [
        "0 B", "999 B", "1.0 kB", "52.3 kB", "1.0 MB", "5.2 GB",
    ]  # fmt: skip
    assert (count(1, "export"), count(12_000, "export")) == ("1 export", "12,000 exports")

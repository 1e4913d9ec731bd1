"""The burst report as a person has it: opened without a network, in the light, in the dark, small.

docs/burst-report.png is made by tests/browser/screenshot.py (`make screenshots`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from snapshot_export.domain.export import Status
from snapshot_export.report.collector import Report
from snapshot_export.report.links import console_link
from snapshot_export.report.page import render_page
from tests.browser.contrast import CONTRAST
from tests.support.chromium import Page
from tests.support.reports import BEGIN, export, exports_of, report_of
from tests.unit.report.test_page import hostile_report

BACKGROUND = "getComputedStyle(document.body).backgroundColor"
COLUMN = "Array.from(document.querySelectorAll('#table tbody tr'), r => r.cells[{}].textContent)"
SORTED = "Array.from(document.querySelectorAll('#table th'), h => h.getAttribute('aria-sort'))"


def show(tab: Page, folder: Path, report: Report, *, width: int = 1100, **more: Any) -> None:
    """Open the report's page in a window of this width."""
    path = folder / "report.html"
    path.write_text(
        "".join(
            render_page(report, link=lambda uri: console_link(uri, "eu-west-1"), written_at=BEGIN)
        )
    )
    tab.show_as(width=width, **more)
    tab.open(path)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_with_no_request_and_no_complaint(tab: Page, tmp_path: Path, scheme: str) -> None:
    show(tab, tmp_path, report_of(exports_of(160)), scheme=scheme)
    assert tab.requests == [(tmp_path / "report.html").as_uri()]
    assert tab.complaints == []
    assert tab.evaluate("document.querySelectorAll('.bar .job').length") > 160
    assert tab.evaluate(CONTRAST) == {}


def test_light_and_dark_differ(tab: Page, tmp_path: Path) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        show(tab, tmp_path, report_of(exports_of(3)), scheme=scheme)
        seen[scheme] = sum(map(int, tab.evaluate(f"{BACKGROUND}.match(/\\d+/g)")))
    assert seen["light"] > 600 and seen["dark"] < 150


@pytest.mark.parametrize("width", [360, 768, 1400])
def test_the_page_never_scrolls_sideways(tab: Page, tmp_path: Path, width: int) -> None:
    show(tab, tmp_path, report_of(exports_of(160)), width=width)
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert tab.evaluate("innerWidth") == width
    assert tab.evaluate("document.querySelector('#lanes').getBoundingClientRect().width") > 250


def test_rows_are_sorted_by_mouse_and_by_keyboard(tab: Page, tmp_path: Path) -> None:
    show(tab, tmp_path, report_of(exports_of(160)))
    assert tab.evaluate(COLUMN.format(0))[:4] == ["17", "78", "139", "80"], "failed ones first"
    assert set(tab.evaluate(SORTED)) == {None}
    tab.click("#table th:nth-child(1) button")
    assert tab.evaluate(COLUMN.format(0)) == [str(number) for number in range(2, 162)]
    assert tab.evaluate(SORTED)[0] == "ascending"
    tab.press("Enter")
    assert tab.evaluate(COLUMN.format(0))[:2] == ["161", "160"]
    assert tab.evaluate(SORTED)[0] == "descending"
    tab.press("Tab")
    tab.press("Enter")
    people = tab.evaluate(COLUMN.format(1))
    assert people[:2] == ["customer-4702", "customer-4703"]
    assert tab.evaluate(SORTED)[:2] == [None, "ascending"]


def test_numbers_are_sorted_as_numbers_and_what_is_not_there_comes_last(
    tab: Page, tmp_path: Path
) -> None:
    waited = [export(number, Status.CANCELLED) for number in (900, 901)]
    show(tab, tmp_path, report_of([*waited, *exports_of(160)]))
    position = tab.evaluate(
        "Array.from(document.querySelectorAll('#table th')).findIndex(h => h.textContent == 'Job')"
    )
    for times in (1, 2):
        tab.click(f"#table th:nth-child({position + 1}) button")
        keys = tab.evaluate(COLUMN.format(position).replace("textContent", "dataset.key"))
        seconds = [float(key) for key in keys if key]
        assert seconds == sorted(seconds, reverse=times == 2)
        assert keys[-2:] == ["", ""]


def test_rows_can_be_filtered(tab: Page, tmp_path: Path) -> None:
    show(tab, tmp_path, report_of(exports_of(160)))
    tab.click("#filter")
    tab.type("failed")
    visible = "Array.from(document.querySelectorAll('#table tbody tr')).filter(r => !r.hidden)"
    assert tab.evaluate(f"{visible}.length") == 3
    assert tab.evaluate("document.querySelector('#shown').textContent") == "3 of 160 rows"


def test_a_bar_tells_whose_it_is(tab: Page, tmp_path: Path) -> None:
    show(tab, tmp_path, report_of(exports_of(160)), width=360)
    tab.click(".bar.failed .job")
    assert "invoices-2026-11-17: failed; slot held" in tab.evaluate(
        "document.querySelector('#read').textContent"
    )


@pytest.mark.parametrize("width", [360, 1100])
def test_hostile_text_stays_text(tab: Page, tmp_path: Path, width: int) -> None:
    show(tab, tmp_path, hostile_report(), width=width)
    assert tab.complaints == [] and len(tab.requests) == 1
    assert tab.evaluate("document.querySelectorAll('script').length") == 1
    assert tab.evaluate("document.querySelectorAll('img, iframe, object').length") == 0
    assert "<svg onload=alert(2)>" in tab.evaluate("document.title")
    assert tab.evaluate("document.documentElement.scrollWidth") == width


def test_the_policy_stops_a_script_that_is_not_the_pages_own(tab: Page, tmp_path: Path) -> None:
    show(tab, tmp_path, report_of(exports_of(3)))
    tab.evaluate(
        "document.body.append(Object.assign(document.createElement('script'),"
        " {textContent: 'window.intruded = true'}))"
    )
    assert tab.evaluate("window.intruded") is None
    assert "Content Security Policy" in "".join(tab.complaints)


def test_a_burst_of_many_opens_too(tab: Page, tmp_path: Path) -> None:
    show(tab, tmp_path, report_of(exports_of(6000)), width=360)
    assert tab.evaluate("document.querySelectorAll('#table tbody tr').length") == 2000
    assert tab.evaluate("document.documentElement.scrollWidth") == 360

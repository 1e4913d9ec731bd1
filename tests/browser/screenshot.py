"""Photographs for the documents, of the burst report and the live page: `make screenshots`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.chromium import Page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REPORTS: dict[str, dict[str, Any]] = {
    "burst-report.png": {"width": 1000, "height": 1640, "scheme": "light"},
    "burst-report-phone.png": {"width": 360, "height": 1840, "scheme": "dark"},
}
LIVE_PAGES: dict[str, dict[str, Any]] = {
    "live-page.png": {"width": 1000, "height": 1560, "scheme": "light"},
    "live-page-phone.png": {"width": 360, "height": 1840, "scheme": "dark"},
}


def main() -> None:
    """Write the pictures, of what tests/support/reports.py and live_states.py make up."""
    sys.path.insert(0, str(ROOT / "lambdas"))
    from tests.support.chromium import Page, chromium

    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        for pictures, take in ((REPORTS, _show_report), (LIVE_PAGES, _show_live_page)):
            for name, window in pictures.items():
                page = Page(browser)
                take(page, Path(folder), DOCS / name, window)
                page.close()
                print(f"wrote {DOCS / name}")


def _show_report(page: Page, folder: Path, picture: Path, window: dict[str, Any]) -> None:
    from tests.browser.test_burst_report import show
    from tests.support.reports import exports_of, report_of

    show(page, folder, report_of(exports_of(160)), **window)
    picture.write_bytes(page.screenshot())


def _show_live_page(page: Page, _: Path, picture: Path, window: dict[str, Any]) -> None:
    """Three rounds of jobs pass before the picture, so that lanes have a past."""
    from tests.browser.test_live_page import LANES, READY
    from tests.support.live_page import serving_page
    from tests.support.live_states import fill_morning, slots_before
    from tests.unit.snapshots.stub import serving

    with serving() as api, serving_page(api) as server:
        fill_morning(api, failures=(93, 94, 105))
        present = api.slots
        page.show_as(**window, moves=False)
        for rounds in (4, 3, 2, 1, 0):
            api.slots = slots_before(present, rounds) if rounds else present
            if rounds == 4:
                page.open(server.address)
                page.wait_until(READY)
            page.wait_until(f"{LANES}[0] === 'statements-2026-11-{112 - 12 * rounds}'")
        picture.write_bytes(page.screenshot())


if __name__ == "__main__":
    main()

"""Photographs of the burst report for docs/bursts.md: `make report-screenshot`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PICTURES: dict[str, dict[str, Any]] = {
    "burst-report.png": {"width": 1000, "height": 1640, "scheme": "light"},
    "burst-report-phone.png": {"width": 360, "height": 1840, "scheme": "dark"},
}


def main() -> None:
    """Write the pictures, of a burst made up by tests/support/reports.py."""
    sys.path.insert(0, str(ROOT / "lambdas"))
    from tests.browser.test_burst_report import show
    from tests.support.chromium import Page, chromium
    from tests.support.reports import exports_of, report_of

    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        for name, window in PICTURES.items():
            page = Page(browser)
            show(page, Path(folder), report_of(exports_of(160)), **window)
            (DOCS / name).write_bytes(page.screenshot())
            page.close()
            print(f"wrote {DOCS / name}")


if __name__ == "__main__":
    main()

"""One headless Chromium for all browser tests; they fail where there is none, they never skip."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.chromium import Chromium, Page, chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    with chromium() as found:
        yield found


@pytest.fixture
def tab(browser: Chromium) -> Iterator[Page]:
    page = Page(browser)
    yield page
    page.close()

"""That the circumstances hold where a test runs; run by test_sample.py under its own."""

from __future__ import annotations

import locale
import os
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest


def test_clock_zone_and_files_are_those_asked_for(request: pytest.FixtureRequest) -> None:
    begin = datetime.fromisoformat(request.config.getoption("--clock"))
    now = datetime.now(UTC)
    assert begin <= now < begin + timedelta(hours=6)
    assert datetime.now() - now.astimezone(ZoneInfo(os.environ["TZ"])).replace(
        tzinfo=None
    ) < timedelta(seconds=5)
    assert abs(time.time() - now.timestamp()) < 60
    assert "utf" not in locale.getencoding().lower(), "a file without encoding= is ASCII"

"""A fixed part of the thousands of deliveries, and a smaller one."""

from __future__ import annotations

import pytest

from tests.chaos.deliveries import SAMPLE_SEED, SAMPLE_SHARE, play
from tests.chaos.part import run_alone


def test_mails_under_faults_go_once_or_are_reported() -> None:
    counts, violations = play(10, SAMPLE_SEED, "SEND", SAMPLE_SHARE)
    assert violations == []
    assert counts["mails"] == 10 and counts["killed"] and counts["faults"]


@pytest.mark.nightly
def test_the_sample_of_deliveries() -> None:
    result, _ = run_alone("deliveries", "sample")
    assert not result.violations, result.violations[:5]

"""`make bench-cold`: each function of the bundle does its work from nothing."""

from __future__ import annotations

import pytest

from bench.cold import STEPS, measure


@pytest.mark.nightly
def test_an_export_goes_through_functions_that_start_from_nothing_each() -> None:
    found = measure()

    assert {title: tuple(functions) for title, functions in found.items()} == {
        "without compiled code": STEPS,
        "as deployed": STEPS,
    }

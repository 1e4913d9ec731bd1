"""Some of the end-to-end tests where IAM is enforced; `make chaos` and `make test-iam` run all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.iam import run_tests, sample


@pytest.mark.nightly
def test_an_export_and_a_burst_go_their_way_and_callers_without_the_right_get_403() -> None:
    result = sample()
    assert not result.violations, result.violations
    assert result.line == "IAM enforced: 6 tests, passed: 6"


def test_a_test_that_fails_or_is_skipped_or_not_there_is_told(tmp_path: Path) -> None:
    file = tmp_path / "test_some.py"
    file.write_text(
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert False, 'why'\n"
        "@pytest.mark.skip(reason='later')\n"
        "def test_left_out(): pass\n"
    )
    result = run_tests(str(file))
    assert result.line == "IAM enforced: 3 tests, passed: 1"
    assert [each.split(":")[0] for each in result.violations] == ["test_bad", "test_left_out"]
    assert run_tests(str(tmp_path / "none.py")).violations

"""A small sample of `make test-anyday`: what shows times, makes files and reads schedules."""

from __future__ import annotations

import pytest

from tests.anyday.circumstances import Circumstances

SEEN = "tests/anyday/what_a_test_sees.py"
CLI = (
    "tests/unit/snapshots/test_cli_exports.py",
    "tests/unit/snapshots/test_cli_widths.py",
    "tests/unit/snapshots/test_downloads.py",
)
SCHEDULES = ("tests/unit/domain/test_ready_by.py", "tests/unit/domain/test_schedule.py")
FLOWS = ("tests/flows/test_schedules.py",)


@pytest.mark.parametrize(
    ("time", "zone", "width", "suites"),
    [
        ("2028-02-29T12:00:00Z", "Pacific/Apia", "50", (SEEN, *CLI, *SCHEDULES)),
        pytest.param(
            *("2027-10-31T00:59:50Z", "Europe/Berlin", None, (SEEN, *SCHEDULES, *FLOWS)),
            marks=pytest.mark.nightly,
        ),
    ],
)
def test_a_sample_passes_on_another_day(
    time: str, zone: str, width: str | None, suites: tuple[str, ...]
) -> None:
    there = Circumstances(time=time, zone=zone, width=width, locale="C", seed=7)
    done = there.run_pytest(suites)
    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr[-2_000:]

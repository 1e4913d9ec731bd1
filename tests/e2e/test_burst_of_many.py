"""`make bench-burst`, smaller: accepted whole, refused by line, in bounded memory and few calls."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.nightly
RECIPIENTS, WRONG = 1200, 12


def test_a_burst_of_many_is_accepted_whole_in_bounded_memory() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "bench.burst", f"--recipients={RECIPIENTS}", f"--wrong={WRONG}"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": "lambdas", "POWERTOOLS_LOG_LEVEL": "CRITICAL"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    told = process.stdout
    assert process.returncode == 0, told + process.stderr
    assert (
        f"{RECIPIENTS - WRONG} accepted" in told and f"refused {WRONG}, by line: 101, 201" in told
    )
    memory, calls = re.search(r"(\d+) MiB", told), re.search(r"per recipient ([\d.]+)", told)
    assert memory and int(memory[1]) < 256, told
    assert calls and float(calls[1]) < 0.05, told

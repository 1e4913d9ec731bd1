"""The end-to-end tests where IAM is enforced: `run()` is part `iam` of `make chaos`.

Each call of each function is judged by its role; a right that is missing breaks a test. Which
rights are too many is tests/infra/permissions' to find.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from tests.chaos.part import PartResult

ROOT = Path(__file__).resolve().parents[2]
_FOLDER = "tests/e2e"
_SHORT = (
    "test_iam.py",
    "test_bursts.py::test_a_csv_of_customers_becomes_files_of_each_and_one_event",
)
"""403s, one export, a function that lost a right; one burst."""
_SECONDS = 1200.0


def run() -> PartResult:
    """All that hold on any account: what `make test-iam` runs."""
    return run_tests(_FOLDER)


def sample() -> PartResult:
    """A few of them, for `make test`."""
    return run_tests(*(f"{_FOLDER}/{name}" for name in _SHORT))


def run_tests(*tests: str) -> PartResult:
    """Run tests in a pytest of their own. One that fails, or is skipped, is a violation."""
    with tempfile.TemporaryDirectory(prefix="chaos-iam-") as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
        command += [f"--basetemp={folder}/tests", f"--junitxml={report}", *tests]
        ours = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=ours | {"E2E_IAM": "1"},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if not report.exists():
            return PartResult("IAM enforced: no tests ran", (done.stdout + done.stderr,))
        cases = list(ElementTree.parse(report).iter("testcase"))
    violations = [f"{case.get('name')}: {trouble}" for case in cases if (trouble := _trouble(case))]
    line = f"IAM enforced: {len(cases)} tests, passed: {len(cases) - len(violations)}"
    return PartResult(line, violations if cases else ("no tests were found",))


def _trouble(case: ElementTree.Element) -> str:
    """Why a test did not pass, or nothing."""
    for kind in ("failure", "error", "skipped"):
        if (found := case.find(kind)) is not None:
            return f"{kind}: {found.get('message', '')}"
    return ""

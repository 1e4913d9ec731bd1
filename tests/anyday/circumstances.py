"""Circumstances that tests must not depend on, and how pytest is run under them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

# In UTC: a leap day; seconds before the hour that Europe/Berlin skips and before the one that it
# has twice; the turn of a year.
TIMES = (
    "2028-02-29T12:00:00Z",
    "2027-03-28T00:59:50Z",
    "2027-10-31T00:59:50Z",
    "2027-12-31T23:59:50Z",
)
ZONES = ("Europe/Berlin", "America/St_Johns", "Pacific/Apia")
WIDTHS = ("50", "200", None)
_OURS = ("COLUMNS", "TZ", "LANG", "LC_ALL", "LANGUAGE")
_OF_XDIST = ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_CURRENT_TEST")


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """`time` in ISO 8601, where the process' clock begins; COLUMNS `width`, None: not set."""

    time: str
    zone: str
    width: str | None
    locale: str
    seed: int

    def __str__(self) -> str:
        columns = self.width or "no"
        return f"{self.time} {self.zone}, {columns} columns, {self.locale}, order {self.seed}"

    @property
    def environment(self) -> dict[str, str]:
        """Of a process under these circumstances; with the locale C, files are ASCII."""
        kept = {k: v for k, v in os.environ.items() if k not in (*_OURS, *_OF_XDIST)}
        ascii_files = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        columns = {} if self.width is None else {"COLUMNS": self.width}
        return kept | columns | ascii_files | {"TZ": self.zone, "LC_ALL": self.locale}

    def run_pytest(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """pytest's output and exit code, tests in random order."""
        options = ["--clock", self.time, "--random-order-bucket=package", "-q", "-p",
                   "no:cacheprovider", f"--random-order-seed={self.seed}"]  # fmt: skip
        return subprocess.run(
            [sys.executable, "-m", "pytest", *options, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )


def all_circumstances(locales: Sequence[str]) -> list[Circumstances]:
    """Every time in every zone; over them each time also meets each width, and each locale."""
    return [
        Circumstances(
            time=time,
            zone=zone,
            width=WIDTHS[(row + column) % len(WIDTHS)],
            locale=locales[(row + column) % len(locales)],
            seed=row * len(ZONES) + column,
        )
        for row, time in enumerate(TIMES)
        for column, zone in enumerate((*ZONES[:2], "UTC") if row % 2 else ZONES)
    ]


def known_locales() -> list[str]:
    """C, and the first of this machine's that writes months in another language than English."""
    listed = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False)
    english = ("C", "POSIX", "en")
    others = [name for name in listed.stdout.split() if not name.startswith(english)]
    return ["C", *(name for name in others[:1])]

"""The planted bugs of `make chaos-selftest` still fit the code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.chaos.bug import Bug
from tests.chaos.bugs import BUGS
from tests.chaos.selftest import ROOT, claims


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_be_planted(bug: Bug, tmp_path: Path) -> None:
    for name in ("lambdas", "statemachine"):
        shutil.copytree(ROOT / name, tmp_path / name)
    bug.plant(tmp_path)


def test_every_bug_is_claimed_by_a_suite() -> None:
    claimed = frozenset().union(*claims().values())
    assert claimed == {bug.name for bug in BUGS}

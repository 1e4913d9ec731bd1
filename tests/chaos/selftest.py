"""`make chaos-selftest`: each deliberate bug in a copy of the tree, and which suite catches it.

A suite is a part with a `sample`; it claims the bugs that its module names in `CLAIMS`. Exits with
1 if a claiming suite misses a bug, or if a suite finds fault with a copy that has none.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.chaos.bug import Bug
from tests.chaos.bugs import BUGS
from tests.chaos.part import PARTS

ROOT = Path(__file__).parents[2]
COPIED = ("lambdas", "local", "statemachine", "tests", "infra", "schedules", "snapshots")
LINKED = ("node_modules", ".local/wheels")
"""What a deployment needs and no bug is planted in."""
MAX_SECONDS = 1200


def claims() -> dict[str, frozenset[str]]:
    """The bugs that each suite claims; parts without a sample or a claim are no suites."""
    found = {}
    for name in PARTS:
        with suppress(ModuleNotFoundError):
            module = importlib.import_module(f"tests.chaos.{name}")
            if hasattr(module, "sample") and getattr(module, "CLAIMS", None):
                found[name] = frozenset(module.CLAIMS)
    unknown = {each for names in found.values() for each in names} - {bug.name for bug in BUGS}
    if unknown:
        raise ValueError(f"claimed, and no bug: {sorted(unknown)}")
    return found


@contextmanager
def copy_with(bug: Bug | None) -> Iterator[Path]:
    """A copy of what the suites need, with the bug planted."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        root = Path(folder)
        for name in COPIED:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        for path in ROOT.glob("*.*"):
            if path.is_file():
                shutil.copy(path, root)
        for name in LINKED:
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).symlink_to(ROOT / name)
        if bug is not None:
            bug.plant(root)
        yield root


def finds_fault(suite: str, root: Path) -> tuple[bool, str]:
    """Whether a suite's sample finds a violation in the copy, and the first that it finds."""
    environment = os.environ | {
        "PYTHONPATH": f"{root / 'lambdas'}:{root}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "tests.chaos", "--sample", suite]
    done = subprocess.run(
        command,
        check=False,
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
    )
    found = [line for line in done.stdout.splitlines() if "VIOLATION" in line]
    if done.returncode not in (0, 1) or (done.returncode == 1) != bool(found):
        raise RuntimeError(f"{suite} did not run: {done.stdout[-500:]}{done.stderr[-1500:]}")
    return bool(found), found[0].strip() if found else ""


def main() -> int:
    """Plant, run, tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.selftest", description=__doc__)
    parser.add_argument("bugs", nargs="*", metavar="BUG", help="parts of names; all if none")
    parser.add_argument("--suites", nargs="+", metavar="SUITE", help="only these parts")
    parser.add_argument("--verbose", action="store_true", help="show what was found")
    arguments = parser.parse_args()
    suites = {
        name: names
        for name, names in claims().items()
        if not arguments.suites or name in arguments.suites
    }
    wanted = [bug for bug in BUGS if not arguments.bugs or _is_named(bug, arguments.bugs)]
    width = max(len(bug.name) for bug in BUGS)
    print(f"{'planted bug':{width}}  " + "  ".join(f"{name:14}" for name in suites), flush=True)
    missed = 0
    unplanted: list[Bug | None] = [] if arguments.bugs else [None]
    for bug in [*unplanted, *wanted]:
        cells, shown = [], []
        with copy_with(bug) as root:
            for suite, names in suites.items():
                if bug is not None and bug.name not in names:
                    cells.append("not claimed")
                    continue
                is_caught, text = finds_fault(suite, root)
                is_wrong = is_caught == (bug is None)
                missed += is_wrong
                cells.append(_word(bug, is_wrong=is_wrong))
                shown.append(f"    {suite}: {text[:300]}" if text else "")
        name = bug.name if bug else "(none)"
        print(f"{name:{width}}  " + "  ".join(f"{cell:14}" for cell in cells), flush=True)
        if arguments.verbose:
            print("\n".join(filter(None, shown)), flush=True)
    print(f"bugs: {len(wanted)}, missed by a suite that claims them: {missed}")
    return 1 if missed else 0


def _is_named(bug: Bug, parts: list[str]) -> bool:
    return any(part in bug.name for part in parts)


def _word(bug: Bug | None, *, is_wrong: bool) -> str:
    if bug is None:
        return "FALSE ALARM" if is_wrong else "quiet"
    return "MISSED" if is_wrong else "caught"


if __name__ == "__main__":
    sys.exit(main())

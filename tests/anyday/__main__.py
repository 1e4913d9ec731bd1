"""`make test-anyday`: the unit and flow tests under each of the circumstances, in turn."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.anyday.circumstances import all_circumstances, known_locales

SUITES = ("tests/unit", "tests/flows")


def main(arguments: Sequence[str]) -> int:
    """Arguments are pytest's, in the place of the two suites."""
    failed = 0
    for each in all_circumstances(known_locales()):
        done = each.run_pytest(["-n", "2", *(arguments or SUITES)])
        lines = done.stdout.splitlines() or [done.stderr]
        print(f"{'ok    ' if done.returncode == 0 else 'FAILED'} {each}: {lines[-1]}", flush=True)
        if done.returncode:
            failed += 1
            print(done.stdout[-20_000:], done.stderr[-2_000:], sep="\n", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

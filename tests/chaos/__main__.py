"""`python -m tests.chaos [--sample] [PART ...]`: a line for each part; exit 1 on violations."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.part import PARTS, ROUNDS, PartResult, run_alone

MAX_SHOWN = 40


def main() -> int:
    """Run the named parts, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--sample", action="store_true", help="a fixed part of each, in seconds")
    arguments = parser.parse_args()
    chosen = arguments.parts or PARTS
    function = "sample" if arguments.sample else "run"
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    failed = False
    for round_ in ROUNDS:
        names = [name for name in round_ if name in chosen]
        with ThreadPoolExecutor(len(ROUNDS)) as pool:
            for result, seconds in pool.map(lambda name: run_alone(name, function), names):
                _show(result, seconds)
                failed = failed or bool(result.violations)
    return 1 if failed else 0


def _show(result: PartResult, seconds: float) -> None:
    print(f"{result.line} ({seconds:.0f} s)", flush=True)
    for text in result.violations[:MAX_SHOWN]:
        print(f"  VIOLATION {text}", flush=True)
    if len(result.violations) > MAX_SHOWN:
        print(f"  ... and {len(result.violations) - MAX_SHOWN} more")


if __name__ == "__main__":
    sys.exit(main())

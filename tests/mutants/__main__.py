"""`make mutants`: each mutant of the modules in the table, against the tests that claim it.

Prints a table per module, and the survivors by file and line. Exits with 1 if one survives that is
not proved to be equivalent (equivalent.json).
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.equivalent import is_equivalent, stale
from tests.mutants.named import NAMED
from tests.mutants.operators import mutants_of
from tests.mutants.run import KILLED, ROOT, SURVIVED, outcome, warm_up
from tests.mutants.session import is_of_a_function, outcomes
from tests.mutants.table import CLAIMS, PACKAGE

MAX_SECONDS = 300.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Mutate, run, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="parts of names; all if none")
    parser.add_argument(
        "--sample", type=int, metavar="N", help="N mutants of each, drawn at random"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="print the mutants, run none")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    survivors = 0
    print(f"{'module':28} {'mutants':>8} {'killed':>8} {'timeout':>8} {'equivalent':>11} survived")
    for module, tests in CLAIMS.items():
        if options.modules and not any(part in module for part in options.modules):
            continue
        survivors += _run_module(module, tests, options)
    if not options.modules:
        for text in stale():
            survivors += 1
            print(f"equivalent.json: no such mutant any more: {text}")
    return 1 if survivors else 0


def _run_module(module: str, tests: Sequence[str], options: argparse.Namespace) -> int:
    path = f"{PACKAGE}/{module}"
    source = (ROOT / path).read_text()
    lines = source.splitlines()
    mutants = list(mutants_of(source))
    if options.sample:
        mutants = random.Random(options.seed).sample(mutants, min(options.sample, len(mutants)))
    existing = [test for test in tests if (ROOT / test).exists()]
    shown = [(f"{module}:{m.start[0]} {m.operator}: {m.text.strip()[:80]}", m) for m in mutants]
    if options.list:
        print("\n".join(text for text, _ in shown))
        return 0
    warm_up()
    proved = [m for m in mutants if is_equivalent(module, lines[m.start[0] - 1], m)]
    rest = [(text, m) for text, m in shown if m not in proved]
    named = [(f"{module} {bug.name}", bug.changed(ROOT)) for bug in NAMED if bug.file == path]
    sources = [(text, m.apply(source)) for text, m in rest] + named
    began = time.monotonic()
    results = _results(path, source, [each for _, each in sources], existing, options.workers)
    counts = Counter(results)
    seconds = time.monotonic() - began
    print(
        f"{module:28} {len(sources) + len(proved):8} {counts[KILLED]:8} {counts['timeout']:8} "
        f"{len(proved):11} {counts[SURVIVED]:8}   {seconds:.0f} s",
        flush=True,
    )
    for (text, _), result in zip(sources, results, strict=True):
        if result == SURVIVED:
            print(f"    {text}", flush=True)
    return counts[SURVIVED]


def _results(
    path: str, source: str, mutants: Sequence[str], tests: Sequence[str], workers: int
) -> list[str]:
    inside = [each for each in mutants if is_of_a_function(source, each)]
    found = dict(zip(inside, outcomes(path, source, inside, tests, workers), strict=True))
    rest = [each for each in mutants if each not in found]
    with ThreadPoolExecutor(workers) as pool:
        results = pool.map(lambda each: outcome(path, each, tests, MAX_SECONDS), rest)
        found.update(zip(rest, results, strict=True))
    return [found[each] for each in mutants]


if __name__ == "__main__":
    sys.exit(main())

"""`make model`: explore the protocol in several sizes, then with each fault put back.

Exits with 1 if the protocol has a violation, or if a fault has none.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from tests.model.check import check_export, check_fault, check_gate, merge_export
from tests.model.explore import Found
from tests.model.faults import ASSUMPTIONS, FAULTS
from tests.model.protocol import Rules, World

WORLDS = (
    World(calls=1, attempts=2),
    World(calls=2, attempts=1),
    World(calls=2, attempts=2),
)
GATES = ((1, 2), (2, 3))
"""Slots and exports."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Explore and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only the two smallest sizes")
    parser.add_argument("--traces", action="store_true", help="print the shortest traces")
    options = parser.parse_args(arguments)
    unexpected = 0
    print(_row("the protocol", "states", "steps", "seconds", "violation"))
    for world in WORLDS[:2] if options.quick else WORLDS:
        unexpected += _explore(world)
    print("\n" + _row("with a fault put back", "states", "trace", "seconds", "violation"))
    for fault in FAULTS:
        began = time.perf_counter()
        unexpected += _expect(fault, check_fault(fault), began, options.traces)
    print("\n" + _row("without an assumption", "states", "trace", "seconds", "violation"))
    for assumption, world in ASSUMPTIONS.items():
        began = time.perf_counter()
        unexpected += _expect(assumption, check_export(Rules(), world), began, options.traces)
    print(f"\nunexpected: {unexpected}")
    return 1 if unexpected else 0


def _explore(world: World) -> int:
    """Print one size; how many of its searches found a violation."""
    began = time.perf_counter()
    found = check_export(Rules(), world)
    title = f"1 export, {world.calls} invocations, {world.attempts} attempts"
    _print(title, found, str(found.transitions), began)
    if found.violation:
        _print_trace(found)
        return 1
    merged, wrong = merge_export(found, world), 0
    for slots, exports in GATES:
        began = time.perf_counter()
        together = check_gate(merged, Rules(), slots=slots, exports=exports)
        title = f"  {exports} such exports, {slots} slots, {len(merged.moves)} states each"
        _print(title, together, str(together.transitions), began)
        wrong += bool(together.violation)
    return wrong


def _expect(title: str, found: Found[Any], began: float, is_shown: bool) -> int:
    _print(title, found, str(len(found.trace)), began)
    if is_shown:
        _print_trace(found)
    return int(not found.violation)


def _print(title: str, found: Found[Any], second: str, began: float) -> None:
    seconds = f"{time.perf_counter() - began:.1f}"
    print(_row(title, str(found.states), second, seconds, found.violation or "none"), flush=True)


def _row(title: str, states: str, second: str, seconds: str, violation: str) -> str:
    return f"{title:52} {states:>8} {second:>8} {seconds:>8}  {violation}"


def _print_trace(found: Found[Any]) -> None:
    for number, step in enumerate(found.trace, 1):
        print(f"    {number:2} {step}")


if __name__ == "__main__":
    sys.exit(main())

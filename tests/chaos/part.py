"""What a part of `make chaos` is: a module of this package with `run() -> PartResult`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from time import monotonic

PARTS = ("points", "interleavings", "stack", "fuzz")
"""Modules of tests.chaos, in the order in which they run."""


@dataclass(frozen=True)
class PartResult:
    """What a part found: one line with its counts, and each violation so that it can be repeated.

    No violations means that the part passed.
    """

    line: str
    violations: Sequence[str] = field(default=())


def run_alone(name: str) -> tuple[PartResult, float]:
    """Run a part in a process of its own; answers what it found and the seconds it took.

    A part that raises, or whose process dies, is a violation.
    """
    began = monotonic()
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            result = pool.submit(_run, name).result()
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            result = PartResult(f"{name}: broke off", (text,))
    return result, monotonic() - began


def _run(name: str) -> PartResult:
    os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")
    result = importlib.import_module(f"tests.chaos.{name}").run()
    assert isinstance(result, PartResult)
    return result

"""What a part of `make chaos` is: a module of this package with `run() -> PartResult`.

A part may have `sample() -> PartResult` too: a fixed part of it, in seconds, for `make test` and
`make chaos-selftest`.
"""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

ROUNDS = (
    ("points",),
    ("interleavings", "fuzz"),
    ("overlaps", "tenants"),
    ("deliveries",),
    ("stack",),
    ("iam",),
)
"""Modules of tests.chaos in the order in which they run; those of one round use one core each."""
PARTS = tuple(name for round_ in ROUNDS for name in round_)


@dataclass(frozen=True)
class PartResult:
    """What a part found: one line with its counts, and each violation so that it can be repeated.

    No violations means that the part passed.
    """

    line: str
    violations: Sequence[str] = field(default=())


def run_alone(name: str, function: str = "run") -> tuple[PartResult, float]:
    """Run a part, or its `sample`, in a process of its own: what it found, and in how many seconds.

    A part that raises, or whose process dies, is a violation.
    """
    began = monotonic()
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            result = pool.submit(_run, name, function).result()
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            result = PartResult(f"{name}: broke off", (text,))
    return result, monotonic() - began


@contextmanager
def quiet() -> Iterator[None]:
    """What handlers print (metrics, once a killed one left enough of them) is not for people."""
    os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")
    warnings.filterwarnings("ignore", message="No application metrics")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        yield


def _run(name: str, function: str) -> PartResult:
    with quiet():
        result = getattr(importlib.import_module(f"tests.chaos.{name}"), function)()
    assert isinstance(result, PartResult)
    return result

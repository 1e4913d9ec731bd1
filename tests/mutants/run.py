"""Run one mutant: a fork of this process whose import of the module finds the mutated source.

Nothing is written: neither the tree nor a copy of it changes. What takes long to import is
imported once, before the fork.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KILLED, SURVIVED, TIMEOUT = "killed", "survived", "timeout"
_NONE_FAILED = 0


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds one module, with another source than its file has."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        return importlib.util.spec_from_loader(name, self, origin=str(self._path))

    def get_source(self, _name: str) -> str:
        return self._source


def warm_up() -> None:
    """Import what tests need and no mutant changes."""
    for name in ("boto3", "hypothesis", "moto.dynamodb.models", "pydantic", "xdist"):
        importlib.import_module(name)


def outcome(module: str, source: str, tests: Sequence[str], most_seconds: float) -> str:
    """Whether the tests fail with this source in the place of a module's."""
    child = os.fork()
    if child == 0:
        os._exit(_run_tests(module, source, tests))
    stop_at = time.monotonic() + most_seconds
    while (found := wait_for(child, stop_at)) is None:
        time.sleep(0.02)
    return found


def wait_for(child: int, stop_at: float) -> str | None:
    """What became of a mutant's process, which is killed after `stop_at`; None while it runs."""
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        code = os.waitstatus_to_exitcode(status)
        return {_NONE_FAILED: SURVIVED, -signal.SIGPROF: TIMEOUT}.get(code, KILLED)
    if time.monotonic() < stop_at:
        return None
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return TIMEOUT


def _run_tests(module: str, source: str, tests: Sequence[str]) -> int:
    os.setpgid(0, 0)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    forget_modules()
    sys.meta_path.insert(0, _Mutated(import_name(module), ROOT / module, source))
    try:
        arguments = ["-x", "-q", "-p", "no:cacheprovider", *tests]
        return int(pytest.main(arguments))
    except BaseException:
        return 1


def import_name(module: str) -> str:
    """The name under which a module's file is imported."""
    return module.removeprefix("lambdas/").removesuffix(".py").replace("/", ".")


def forget_modules() -> None:
    """Have the code and its tests imported again."""
    for name in [
        each for each in sys.modules if each.split(".")[0] in ("snapshot_export", "tests")
    ]:
        del sys.modules[name]

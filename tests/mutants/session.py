"""One pytest session for all mutants of a module: the tests are collected and run once, then a fork
of the session runs each mutant, against the tests that reach its lines, the quickest first.

A mutant takes the place of the code of the functions that are there, so nothing is imported again.
What is outside every function (a constant, a default) runs at the import: such a mutant is none of
this module's (`is_of_a_function`), and is run by tests/mutants/run.py.
"""

from __future__ import annotations

import ast
import gc
import json
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest

from tests.mutants.run import SURVIVED, forget_modules, import_name, wait_for

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SPARE_SECONDS = 5.0
"""Of processor time, beside a multiple of what a test takes without a mutant."""
_MAX_SECONDS = 900.0


def changed_lines(source: str, mutant: str) -> tuple[int, int]:
    """The first and the last line of the source that the mutant changes."""
    old, new = source.splitlines(), mutant.splitlines()
    most = min(len(old), len(new))
    first = next((n for n in range(most) if old[n] != new[n]), most)
    same = next((n for n in range(most - first) if old[-1 - n] != new[-1 - n]), most - first)
    return first + 1, max(first + 1, len(old) - same)


def is_of_a_function(source: str, mutant: str) -> bool:
    """Whether all that changes is in the body of functions."""
    first, last = changed_lines(source, mutant)
    return any(
        isinstance(node, _FUNCTIONS) and node.body[0].lineno <= first and last <= _end(node)
        for node in ast.walk(ast.parse(source))
    )


def outcomes(
    module: str, source: str, mutants: Sequence[str], tests: Sequence[str], workers: int
) -> list[str]:
    """What became of each mutant. Raises RuntimeError if a test fails without one."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run(_Session(module, source, mutants, workers), tests, writing)
    os.close(writing)
    with os.fdopen(reading) as answer:
        found = answer.read()
    os.waitpid(child, 0)
    results: list[str] | str | None = json.loads(found or "null")
    if not isinstance(results, list):
        raise RuntimeError(f"{module}: its tests fail with no mutant: {results}")
    return results


def _run(session: _Session, tests: Sequence[str], writing: int) -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    forget_modules()
    try:
        pytest.main(["-q", "-p", "no:cacheprovider", *tests], plugins=[session])
        os.write(writing, json.dumps(session.results).encode())
    finally:
        os._exit(0)


@dataclass(eq=False)
class _Session:
    """A plugin that runs the tests once, and then the mutants."""

    module: str
    source: str
    mutants: Sequence[str]
    workers: int
    results: list[str] | str | None = None
    _failed: bool = False
    _lines: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _seconds: dict[str, float] = field(default_factory=dict)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = list(session.items)
        for item, following in _pairs(items):
            began = time.process_time()
            with _Reached(self.module, self._lines[item.nodeid]):
                _run_test(item, following)
            self._seconds[item.nodeid] = time.process_time() - began
            if self._failed:
                self.results = item.nodeid
                return True
        self.results = self._run_all(sorted(items, key=lambda item: self._seconds[item.nodeid]))
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed = self._failed or report.failed

    def _run_all(self, items: Sequence[pytest.Item]) -> list[str]:
        results = [SURVIVED] * len(self.mutants)
        running: dict[int, tuple[int, float]] = {}
        waiting = list(enumerate(self.mutants))
        while waiting or running:
            while waiting and len(running) < self.workers:
                index, mutant = waiting.pop(0)
                chosen = self._reaching(items, mutant)
                if chosen:
                    running[self._start(mutant, chosen)] = index, time.monotonic() + _MAX_SECONDS
            for child, (index, stop_at) in list(running.items()):
                status = wait_for(child, stop_at)
                if status is not None:
                    results[index] = status
                    del running[child]
            time.sleep(0.02)
        return results

    def _reaching(self, items: Sequence[pytest.Item], mutant: str) -> list[pytest.Item]:
        lines = set(_statement(self.source, *changed_lines(self.source, mutant)))
        return [item for item in items if self._lines[item.nodeid] & lines]

    def _start(self, mutant: str, items: Sequence[pytest.Item]) -> int:
        child = os.fork()
        if child:
            return child
        os.setpgid(0, 0)
        try:
            _replace(self.module, self.source, mutant)
            for item, following in _pairs(items):
                seconds = _SPARE_SECONDS + 3 * self._seconds[item.nodeid]
                signal.setitimer(signal.ITIMER_PROF, seconds)
                _run_test(item, following)
                if self._failed:
                    break
        except BaseException:
            self._failed = True
        os._exit(int(self._failed))


def _pairs(items: Sequence[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    yield from zip(items, [*items[1:], None], strict=True)


def _run_test(item: pytest.Item, following: pytest.Item | None) -> None:
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


class _Reached:
    """Notes the lines of one module that run meanwhile, in every thread."""

    def __init__(self, module: str, lines: set[int]) -> None:
        self._path = str(Path(module).resolve())
        self._lines = lines

    def __enter__(self) -> None:
        threading.settrace(self._called)
        sys.settrace(self._called)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)

    def _called(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self._line if frame.f_code.co_filename == self._path else None

    def _line(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        self._lines.add(frame.f_lineno)
        return self._line


def _statement(source: str, first: int, last: int) -> range:
    """The lines of the smallest statement that begins at or before `first`, to `last` at least.

    Of a statement with others in it, those before the first of them.
    """
    holding = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt) and node.lineno <= first <= _end(node)
    ]
    begin = max(holding, key=lambda node: node.lineno)
    inner = [each.lineno for each in ast.walk(begin) if isinstance(each, ast.stmt)][1:]
    end = min(inner) - 1 if inner else _end(begin)
    return range(begin.lineno, max(end, last, begin.lineno) + 1)


def _end(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno


def _replace(module: str, source: str, mutant: str) -> None:
    """Give each function of a module the mutant's code."""
    path = sys.modules[import_name(module)].__file__
    old, new = _codes(compile(source, str(path), "exec")), _codes(compile(mutant, "m", "exec"))
    places = {
        (name, code.co_firstlineno): (name, index)
        for name, codes in old.items()
        for index, code in enumerate(codes)
    }
    for function in [each for each in gc.get_objects() if isinstance(each, FunctionType)]:
        code = function.__code__
        if code.co_filename == path and (place := _place(places, code)):
            function.__code__ = new[place[0]][place[1]]


def _place(
    places: dict[tuple[str, int], tuple[str, int]], code: CodeType
) -> tuple[str, int] | None:
    return places.get((code.co_qualname, code.co_firstlineno))


def _codes(code: CodeType) -> dict[str, list[CodeType]]:
    """Every code object in another, by its qualified name, in the order of the source."""
    found: dict[str, list[CodeType]] = defaultdict(list)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found[constant.co_qualname].append(constant)
            for name, codes in _codes(constant).items():
                found[name] += codes
    return found

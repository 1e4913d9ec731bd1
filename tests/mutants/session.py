"""One pytest session for all mutants of a module: the tests are collected and run once, then a fork
of the session runs each mutant, against the tests that reach its lines: the quickest first, and
those that have killed others.

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
from functools import cache
from mmap import mmap
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, TypeVar

import pytest
from botocore.loaders import JSONFileLoader

from tests.mutants.run import SURVIVED, forget_modules, import_name, wait_for

_T = TypeVar("_T")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SPARE_SECONDS = 2.0
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
    JSONFileLoader.load_file = cache(  # type: ignore[method-assign]
        JSONFileLoader.load_file
    )
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
    _killed: mmap = field(default_factory=lambda: mmap(-1, 1))
    """How many mutants each test killed, by its place; written by the forks."""
    _functions: list[FunctionType] = field(default_factory=list)

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
        self._functions = _functions_of(self.module)
        gc.freeze()  # a fork copies what it collects
        self._killed = mmap(-1, len(items))
        self.results = self._run_all(items)
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
                    child = self._start(mutant, items, chosen)
                    running[child] = index, time.monotonic() + _MAX_SECONDS
            for child, (index, stop_at) in list(running.items()):
                status = wait_for(child, stop_at)
                if status is not None:
                    results[index] = status
                    del running[child]
            time.sleep(0.02)
        return results

    def _reaching(self, items: Sequence[pytest.Item], mutant: str) -> list[int]:
        lines = set(_statement(self.source, *changed_lines(self.source, mutant)))
        reaching = [each for each, item in enumerate(items) if self._lines[item.nodeid] & lines]
        return sorted(reaching, key=lambda each: self._cost(items[each], self._killed[each]))

    def _cost(self, item: pytest.Item, killed: int) -> float:
        return self._seconds[item.nodeid] / (1 + killed)

    def _start(self, mutant: str, items: Sequence[pytest.Item], chosen: Sequence[int]) -> int:
        child = os.fork()
        if child:
            return child
        os.setpgid(0, 0)
        try:
            _replace(self._functions, self.source, mutant)
            for place, following in _pairs(chosen):
                item = items[place]
                seconds = _SPARE_SECONDS + 2 * self._seconds[item.nodeid]
                signal.setitimer(signal.ITIMER_PROF, seconds)
                _run_test(item, None if following is None else items[following])
                if self._failed:
                    self._killed[place] = min(255, self._killed[place] + 1)
                    break
        except BaseException:
            self._failed = True
        os._exit(int(self._failed))


def _pairs(items: Sequence[_T]) -> Iterator[tuple[_T, _T | None]]:
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


def _functions_of(module: str) -> list[FunctionType]:
    path = sys.modules[import_name(module)].__file__
    functions = [each for each in gc.get_objects() if isinstance(each, FunctionType)]
    return [each for each in functions if each.__code__.co_filename == path]


def _replace(functions: Sequence[FunctionType], source: str, mutant: str) -> None:
    """Give the functions of a module the mutant's code."""
    old, new = (_codes(compile(text, "module", "exec")) for text in (source, mutant))
    places = {
        (name, code.co_firstlineno): (name, index)
        for name, codes in old.items()
        for index, code in enumerate(codes)
    }
    for function in functions:
        if place := _place(places, function.__code__):
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

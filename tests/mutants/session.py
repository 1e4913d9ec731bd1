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
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from mmap import mmap
from types import CodeType, FunctionType
from typing import TypeVar

import pytest
from botocore.loaders import JSONFileLoader

from tests.mutants.run import SURVIVED, forget_modules, import_name, wait_for

_T = TypeVar("_T")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_NOTE = "note_that_this_line_is_reached"
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
    _functions: Mapping[tuple[str, int], Sequence[FunctionType]] = field(default_factory=dict)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = list(session.items)
        module = import_module(import_name(self.module))
        self._functions = _functions_of(self.module, self.source)
        _replace(self._functions, _with_notes(self.source))
        for item, following in _pairs(items):
            began = time.process_time()
            setattr(module, _NOTE, self._lines[item.nodeid].add)
            _run_test(item, following)
            self._seconds[item.nodeid] = time.process_time() - began
            if self._failed:
                self.results = item.nodeid
                return True
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
        lines = _statements(self.source, *changed_lines(self.source, mutant))
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
            _replace(self._functions, mutant)
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


class _Noting(ast.NodeTransformer):
    """Has each statement in the body of a function note its line before it runs."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, ast.Module | ast.ClassDef):
            return node
        for name in ("body", "orelse", "finalbody"):
            if isinstance(block := getattr(node, name, None), list):
                setattr(node, name, [each for old in block for each in self._noted(old)])
        return node

    def _noted(self, statement: ast.stmt) -> Iterator[ast.stmt]:
        call = ast.parse(f"{_NOTE}({statement.lineno})").body[0]
        yield ast.copy_location(call, statement)
        yield statement


def _with_notes(source: str) -> ast.Module:
    tree = ast.parse(source)
    _Noting().visit(tree)
    return ast.fix_missing_locations(tree)


def _statements(source: str, first: int, last: int) -> set[int]:
    """Where the statements begin that lie between two lines, or that the first line is part of."""
    begins = {
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt) and node.lineno <= last and _end(node) >= first
    }
    around = max(line for line in begins if line <= first)
    return {around, *(line for line in begins if line > first)}


def _end(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno


def _functions_of(module: str, source: str) -> dict[tuple[str, int], list[FunctionType]]:
    """What lives of each function, by its qualified name, and which one it is of that name."""
    path = import_module(import_name(module)).__file__
    places = {
        (name, code.co_firstlineno): (name, index)
        for name, codes in _codes(compile(source, "module", "exec")).items()
        for index, code in enumerate(codes)
    }
    found: dict[tuple[str, int], list[FunctionType]] = defaultdict(list)
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename == path:
            place = each.__code__.co_qualname, each.__code__.co_firstlineno
            if place in places:
                found[places[place]].append(each)
    return found


def _replace(
    functions: Mapping[tuple[str, int], Sequence[FunctionType]], mutant: str | ast.Module
) -> None:
    """Give the functions of a module the mutant's code."""
    codes = _codes(compile(mutant, "module", "exec"))
    for (name, index), found in functions.items():
        for function in found:
            function.__code__ = codes[name][index]


def _codes(code: CodeType) -> dict[str, list[CodeType]]:
    """Every code object in another, by its qualified name, in the order of the source."""
    found: dict[str, list[CodeType]] = defaultdict(list)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found[constant.co_qualname].append(constant)
            for name, codes in _codes(constant).items():
                found[name] += codes
    return found

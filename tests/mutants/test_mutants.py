"""Mutants are made where they should be, planted ones are seen, and proofs do not go stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.equivalent import stale
from tests.mutants.named import NAMED
from tests.mutants.operators import mutants_of
from tests.mutants.run import KILLED, ROOT, SURVIVED, outcome, warm_up
from tests.mutants.session import is_of_a_function, outcomes
from tests.mutants.table import CLAIMS, PACKAGE

GATE = "domain/gate.py"
MAX_SECONDS = 120.0

BY_OPERATOR = (
    ("adapters/table/burst_store.py", "always true", "(#offset = :seen OR"),
    ("adapters/table/store.py", "always true", "(restarts = :seen OR"),
    ("adapters/table/store.py", "overwrites", "started_at = :at"),
    ("adapters/table/store.py", "argument left out", ""),
    ("adapters/table/store.py", "boundary", "running < :room"),
)
"""Mutants that must be among those that the operators make: module, operator, how it begins."""


@pytest.mark.parametrize(("module", "operator", "text"), BY_OPERATOR)
def test_an_operator_makes_the_mutants_that_outlived_every_suite_once(
    module: str, operator: str, text: str
) -> None:
    made = mutants_of((ROOT / PACKAGE / module).read_text())
    assert any(each.operator == operator and each.text.startswith(text) for each in made)


@pytest.mark.parametrize("named", NAMED, ids=lambda named: named.name)
def test_a_named_mutant_fits_the_code(named: object) -> None:
    assert any(each is named and each.changed(ROOT) for each in NAMED)


def test_every_mutant_is_another_program_that_compiles() -> None:
    source = (ROOT / PACKAGE / GATE).read_text()
    for mutant in mutants_of(source):
        changed = mutant.apply(source)
        assert changed != source
        compile(changed, GATE, "exec")


def test_a_mutant_is_killed_and_the_code_as_it_is_survives() -> None:
    path, tests = f"{PACKAGE}/{GATE}", CLAIMS[GATE][:1]
    warm_up()
    source = (ROOT / path).read_text()
    assert outcome(path, source, tests, MAX_SECONDS) == SURVIVED
    fault = source.replace("running: int = 0", "running: int = 1")
    assert fault != source and not is_of_a_function(source, fault)
    assert outcome(path, fault, tests, MAX_SECONDS) == KILLED


def test_a_mutant_of_a_function_runs_in_a_session_that_was_collected_once() -> None:
    path, tests = f"{PACKAGE}/{GATE}", CLAIMS[GATE][:1]
    source = (ROOT / path).read_text()
    fault = source.replace("now < gate.paused_until", "now > gate.paused_until")
    same = source.replace("now < gate.paused_until", "gate.paused_until > now")
    assert source not in (fault, same) and is_of_a_function(source, fault)
    assert outcomes(path, source, [same, fault, same], tests, 2) == [SURVIVED, KILLED, SURVIVED]


def test_a_test_that_fails_without_a_mutant_is_named(tmp_path: Path) -> None:
    (tmp_path / "test_wrong.py").write_text("def test_this(): raise ValueError", encoding="utf-8")
    path = f"{PACKAGE}/{GATE}"
    with pytest.raises(RuntimeError, match=r"test_wrong\.py::test_this"):
        outcomes(path, (ROOT / path).read_text(), [], [str(tmp_path)], 1)


def test_no_proof_is_of_a_mutant_that_is_not_there() -> None:
    assert stale() == []


def test_every_module_of_the_table_and_its_tests_exist() -> None:
    for module, tests in CLAIMS.items():
        assert (ROOT / PACKAGE / module).is_file()
        assert all((ROOT / test).is_file() for test in tests)

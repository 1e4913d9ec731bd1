"""The model of the protocol: no violation, one for each fault put back, and true to the code."""

from __future__ import annotations

import importlib
import inspect
import os

import pytest

from snapshot_export.adapters.quicksight.quicksight import QuickSight
from snapshot_export.adapters.table.store import Store
from tests.chaos.bugs import BUGS
from tests.model.check import check_export, check_fault, check_gate, merge_export
from tests.model.correspondence import CALLS, FLOWS, LEFT_OUT, WRITES
from tests.model.explore import Found, search
from tests.model.faults import ASSUMPTIONS, FAULTS, NOT_MODELLED
from tests.model.invariants import has_ended, wrong
from tests.model.protocol import Rules, State, World, steps, tidy
from tests.support.nightly import nightly_but

SMALL = World(calls=1, attempts=2)
OVERLAPS = World(calls=2, attempts=1, spells=0, losses=0)
TINY = World(calls=1, attempts=1, spells=0, losses=0)
IN_SHORT = ("<> for < in the gate", "a failed poll frees the slot", "start before lease")
"""Faults that also `make test` puts back."""


@pytest.fixture(scope="module")
def small() -> Found[State]:
    return check_export(Rules(), SMALL)


def test_the_protocol_has_no_violation_and_no_dead_state(small: Found[State]) -> None:
    assert (small.violation, small.trace) == ("", ())
    assert small.states > 10_000
    merged = merge_export(small, SMALL)
    assert check_gate(merged, Rules(), slots=1, exports=2).violation == ""


@pytest.mark.nightly
def test_neither_do_overlapping_invocations_of_one_step() -> None:
    found = check_export(Rules(), OVERLAPS)
    assert (found.violation, found.trace) == ("", ())


@pytest.mark.parametrize("fault", nightly_but(IN_SHORT, FAULTS))
def test_a_fault_put_back_is_found(fault: str) -> None:
    found = check_fault(fault)
    assert found.violation
    assert found.trace


@pytest.mark.nightly
@pytest.mark.parametrize("assumption", ASSUMPTIONS)
def test_what_is_assumed_is_needed(assumption: str) -> None:
    assert check_export(Rules(), ASSUMPTIONS[assumption]).violation


def test_every_rule_has_a_fault_that_breaks_it() -> None:
    broken = {rule for rules in FAULTS.values() for rule in rules}
    assert broken == {*Rules.__dataclass_fields__}


def test_the_planted_bugs_of_the_chaos_suites_are_the_models_faults_too() -> None:
    assert {bug.name for bug in BUGS} - NOT_MODELLED.keys() <= FAULTS.keys()


@pytest.mark.skipif(
    os.environ.get("MODEL_WHOLE") != "1",
    reason="takes many minutes: MODEL_WHOLE=1 make test TESTS=tests/model",
)
def test_merged_states_see_what_unmerged_ones_see() -> None:
    """The whole product of two exports at one slot, beside that of their merged states."""
    rules = Rules()
    alone = check_export(rules, TINY)
    merged = check_gate(merge_export(alone, TINY), rules, slots=1, exports=2)

    def both(pair: tuple[State, State]) -> list[tuple[str, tuple[State, State]]]:
        found = []
        for here, other in (pair, pair[::-1]):
            for name, after in steps(here, rules, TINY):
                if after.counted > here.counted and other.counted:
                    continue
                one, two = sorted((tidy(after, rules), other), key=repr)
                found.append((name, (one, two)))
        return found

    whole = search(
        (TINY.first, TINY.first),
        both,
        lambda pair: wrong(pair[0]) or wrong(pair[1]),
        lambda pair: has_ended(pair[0]) and has_ended(pair[1]),
    )
    assert (whole.violation, merged.violation) == ("", "")
    assert {sum(export.counted for export in pair) for pair in whole.edges} == {
        gate.running for gate in merged.edges
    }


def test_every_write_of_the_store_is_a_step_or_left_out_with_a_reason() -> None:
    writes = {
        name
        for name, method in inspect.getmembers(Store, inspect.isfunction)
        if not name.startswith("_")
        and any(f"self.{call}(" in inspect.getsource(method) for call in WRITE_CALLS)
    }
    assert writes == WRITES.keys() | LEFT_OUT.keys()
    assert not WRITES.keys() & LEFT_OUT.keys()


def test_every_step_that_stands_for_code_is_taken_and_its_code_is_there(
    small: Found[State],
) -> None:
    taken = {name for following in small.edges.values() for name, _ in following}
    named = {each for table in (WRITES, CALLS, FLOWS) for names in table.values() for each in names}
    assert named <= taken
    assert all(hasattr(Store, name) for name in WRITES)
    assert all(hasattr(QuickSight, name) for name in CALLS)
    for name in FLOWS:
        importlib.import_module(f"snapshot_export.flows.export.{name}")


WRITE_CALLS = ("_table.update", "_table.transact", "_table.write", "_end")

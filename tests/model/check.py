"""What is explored: one export in any company, and several at one gate."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model.explore import Found, search
from tests.model.faults import without
from tests.model.gate import Gate, Merged, merge, search_gate
from tests.model.invariants import has_ended, is_ours, wrong
from tests.model.protocol import Rules, State, World, steps, tidy


def check_export(rules: Rules, world: World) -> Found[State]:
    """One export, whatever the others do: a free slot may be there or not at every moment."""

    def following(state: State) -> Iterator[tuple[str, State]]:
        return ((name, tidy(after, rules)) for name, after in steps(state, rules, world))

    return search(world.first, following, wrong, has_ended, is_ours)


def merge_export(found: Found[State], world: World) -> Merged:
    """The export of a search without violation, as the gate sees it."""
    return merge(found.edges, world.first, lambda state: state.counted, has_ended)


def check_gate(merged: Merged, rules: Rules, *, slots: int, exports: int) -> Found[Gate]:
    """Several exports at one gate."""
    return search_gate(
        merged, exports=exports, slots=slots, room_is_less_than=rules.room_is_less_than
    )


def check_fault(fault: str) -> Found[State] | Found[Gate]:
    """The search with a fault put back: of one export in the smallest world that shows it, or of
    three at a gate of two slots."""
    rules, smallest = without(fault), World(calls=1, attempts=1)
    found = check_export(rules, smallest)
    if found.violation:
        return found
    if not rules.room_is_less_than:
        return check_gate(merge_export(found, smallest), rules, slots=2, exports=3)
    return check_export(rules, World())

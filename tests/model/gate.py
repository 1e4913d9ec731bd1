"""Several exports at one gate.

Exports meet at the gate's counter only. So one export's states are explored once, and those that
the gate cannot tell apart are merged (branching bisimulation: what an admission or a freed slot
can lead to stays the same, and so does whether an end can be reached). The exports of this search
are the merged ones, and the result is that of the whole product.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from tests.model.explore import Found, search

S = TypeVar("S", bound=Hashable)
Moves = dict[int, tuple[tuple[str, int, int], ...]]
"""Of each merged state: name of a step, how many slots it counts, the state after it."""


class Merged(NamedTuple):
    """One export as the gate sees it. `first` is its first state, `ends` those at its end."""

    first: int
    moves: Moves
    ends: frozenset[int]


class Gate(NamedTuple):
    """The counter, the limit in force, and the exports in one order. `over`: an admission was made
    with no room under the limit."""

    running: int
    limit: int
    exports: tuple[int, ...]
    over: bool = False


def merge(
    edges: Mapping[S, Sequence[tuple[str, S]]],
    first: S,
    counted: Callable[[S], int],
    is_end: Callable[[S], bool],
) -> Merged:
    """Merge the states that the gate cannot tell apart, by refining a partition."""
    states = list(edges)
    number = {state: index for index, state in enumerate(states)}
    following = [[number[after] for _, after in edges[state]] for state in states]
    slots = [counted(state) for state in states]
    block = _numbered([(slots[i], is_end(states[i])) for i in range(len(states))])
    while True:
        refined = _numbered(list(zip(block, _signatures(following, slots, block), strict=True)))
        if max(refined) == max(block):
            break
        block = refined
    moves: dict[int, dict[tuple[str, int, int], None]] = {}
    for index, state in enumerate(states):
        mine = moves.setdefault(block[index], {})
        for _, after in edges[state]:
            there = number[after]
            change = slots[there] - slots[index]
            if change or block[there] != block[index]:
                name = {1: "admission", -1: "slot freed", 0: "step"}[change]
                mine[name, change, block[there]] = None
    ends = frozenset(block[index] for index, state in enumerate(states) if is_end(state))
    return Merged(block[number[first]], {each: tuple(found) for each, found in moves.items()}, ends)


def _signatures(
    following: list[list[int]], slots: list[int], block: list[int]
) -> list[frozenset[tuple[int, int]]]:
    """What each state can do next that the gate sees, after any steps that it does not see."""
    own: list[set[tuple[int, int]]] = [set() for _ in following]
    before: list[list[int]] = [[] for _ in following]
    for here, afters in enumerate(following):
        for there in afters:
            change = slots[there] - slots[here]
            if change or block[there] != block[here]:
                own[here].add((change, block[there]))
            else:
                before[there].append(here)
    rest = [index for index, seen in enumerate(own) if seen]
    while rest:
        there = rest.pop()
        for here in before[there]:
            if not own[there] <= own[here]:
                own[here] |= own[there]
                rest.append(here)
    return [frozenset(seen) for seen in own]


def _numbered(keys: Sequence[Hashable]) -> list[int]:
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]


def search_gate(
    merged: Merged, *, exports: int, slots: int, room_is_less_than: bool = True
) -> Found[Gate]:
    """All of `exports` at a gate of `slots`, whose limit is lowered by one and raised live."""

    def steps(gate: Gate) -> list[tuple[str, Gate]]:
        found = [
            (f"limit becomes {limit}", gate._replace(limit=limit))
            for limit in (slots, slots - 1)
            if limit and limit != gate.limit
        ]
        for position, export in enumerate(gate.exports):
            if position and export == gate.exports[position - 1]:
                continue
            for name, change, after in merged.moves[export]:
                room = gate.running < gate.limit
                if change > 0 and not (room if room_is_less_than else gate.running != gate.limit):
                    continue
                rest = gate.exports[:position] + gate.exports[position + 1 :]
                moved = tuple(sorted((*rest, after)))
                over = gate.over or (change > 0 and not room)
                found.append((name, Gate(gate.running + change, gate.limit, moved, over)))
        return found

    def wrong(gate: Gate) -> str:
        if gate.over or not 0 <= gate.running <= slots:
            return "an export was admitted with no room under the limit"
        return ""

    return search(
        Gate(0, slots, (merged.first,) * exports),
        steps,
        wrong,
        lambda gate: all(export in merged.ends for export in gate.exports),
    )

"""Explicit-state search: every state, the shortest way to a wrong one, and dead ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)


@dataclass
class Found(Generic[S]):
    """What a search saw. `violation` is the first wrong state's, `trace` the shortest way to it."""

    states: int = 0
    transitions: int = 0
    violation: str = ""
    trace: tuple[str, ...] = ()
    edges: dict[S, list[tuple[str, S]]] = field(default_factory=dict)


def search(
    first: S,
    steps: Callable[[S], Iterable[tuple[str, S]]],
    wrong: Callable[[S], str],
    is_end: Callable[[S], bool],
    helps: Callable[[str], bool] = lambda _: True,
) -> Found[S]:
    """Breadth first, so that a trace is a shortest one. Stops at the first wrong state.

    `wrong` says what is wrong with a state, or "". If none is, every state from which no end can be
    reached by steps that help is wrong too, and the one nearest to the first is shown.
    """
    came_from: dict[S, tuple[S, str] | None] = {first: None}
    found: Found[S] = Found()
    queue = deque([first])
    while queue:
        state = queue.popleft()
        if text := wrong(state):
            return _stopped(found, came_from, state, text)
        following = list(dict.fromkeys(steps(state)))
        found.edges[state] = following
        found.transitions += len(following)
        for name, after in following:
            if after not in came_from:
                came_from[after] = (state, name)
                queue.append(after)
    found.states = len(came_from)
    dead = _dead(found.edges, is_end, helps)
    if dead is not None:
        return _stopped(found, came_from, dead, "dead: no end can be reached from here")
    return found


def _dead(
    edges: dict[S, list[tuple[str, S]]],
    is_end: Callable[[S], bool],
    helps: Callable[[str], bool],
) -> S | None:
    before: dict[S, list[S]] = {}
    for state, following in edges.items():
        for after in (after for name, after in following if helps(name)):
            before.setdefault(after, []).append(state)
    alive = {state for state in edges if is_end(state)}
    rest = list(alive)
    while rest:
        for state in before.get(rest.pop(), ()):
            if state not in alive:
                alive.add(state)
                rest.append(state)
    return next((state for state in edges if state not in alive), None)


def _stopped(
    found: Found[S], came_from: dict[S, tuple[S, str] | None], state: S, text: str
) -> Found[S]:
    found.states, found.violation = len(came_from), text
    names = []
    while (step := came_from[state]) is not None:
        state, name = step
        names.append(name)
    found.trace = tuple(reversed(names))
    return found

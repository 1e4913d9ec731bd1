"""Mutation operators: those of cosmic-ray that fit, and our own for what is written as text.

Conditions and updates of DynamoDB are text to Python. A clause is taken out by making it always
true with the same placeholders, since DynamoDB refuses a value that no expression uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

NEVER_THERE = "mutated_away"
_TEXTS = ("string", "fstring_string")
_CLAUSE = re.compile(
    r"attribute_(?:not_)?exists\([#\w]+\)|[#\w]+ (?:<=|>=|<>|=|<|>) :\w+|#\w+ IN \([:\w, ]+\)"
)
_ASSIGNMENT = re.compile(r"[#\w]+ = (?:if_not_exists\([#\w]+, :\w+\)|[#:\w]+)(?: [+-] :\w+)?")
_UPDATE = re.compile(r"\b(?:SET|REMOVE|ADD)\b|^[\"']*, |^[\"']?#?\w+ = if_not_exists")
_CHOICE = re.compile(r"@|if TYPE_CHECKING|logger = |_?[A-Z]\w*(?:, \w+)* = [-\d(]")
"""Decorators, imports for types, how a module gets its logger (a child of the service's logger
writes what it would), and a module's named numbers: a wait or a size, of which one more or less
makes no other behaviour. What uses them is mutated."""
_BOUNDS = {"<=": "<", ">=": ">", "<": "<=", ">": ">="}

CHOSEN = re.compile(
    r"ReplaceComparisonOperator_(Eq_NotEq|NotEq_Eq|Lt_LtE|Lt_GtE|LtE_Lt|LtE_Gt|Gt_GtE|Gt_LtE|GtE_Gt"
    r"|GtE_Lt|Is_IsNot|IsNot_Is)$|AddNot$|ReplaceTrueWithFalse$|ReplaceFalseWithTrue$"
    r"|ReplaceAndWithOr$|ReplaceOrWithAnd$|ReplaceBreakWithContinue$|ReplaceContinueWithBreak$"
    r"|NumberReplacer$|ZeroIterationForLoop$|ReplaceUnaryOperator_Delete_Not$"
    r"|ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|FloorDiv_Mul)$"
)
"""The operators of cosmic-ray that are used: each comparison by its boundary and its opposite."""


@dataclass(frozen=True)
class Mutant:
    """One change of a file: the text at `start` to `end` (line and column) becomes `text`."""

    operator: str
    start: tuple[int, int]
    end: tuple[int, int]
    text: str

    def apply(self, source: str) -> str:
        """The source with the change."""
        lines = source.splitlines(keepends=True)
        (first, left), (last, right) = self.start, self.end
        before = "".join(lines[: first - 1]) + lines[first - 1][:left]
        after = lines[last - 1][right:] + "".join(lines[last:])
        return before + self.text + after


@cache
def mutants_of(source: str) -> tuple[Mutant, ...]:
    """Every mutant of a source, in the order of its lines."""
    lines = source.splitlines()
    made = {*_ours(source), *_cosmic(source)}
    behaviour = [
        each
        for each in made
        if not _CHOICE.match(lines[each.start[0] - 1]) and not _is_of_star(each, lines)
    ]
    found = [each for each in behaviour if _compiles(each.apply(source))]
    return tuple(
        sorted(found, key=lambda mutant: (mutant.start, mutant.end, mutant.operator, mutant.text))
    )


def _is_of_star(mutant: Mutant, lines: list[str]) -> bool:
    """Whether it takes the star before keyword-only arguments for a multiplication."""
    return mutant.text == "/" and lines[mutant.end[0] - 1][mutant.end[1] :].startswith(",")


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _cosmic(source: str) -> Iterator[Mutant]:
    provider = OperatorProvider()
    for name in filter(CHOSEN.search, provider):
        operator = provider[name]()
        count = sum(len(list(operator.mutation_positions(node))) for node in _nodes(source))
        for occurrence in range(count):
            yield from _as_edit(name, source, _mutated(operator, source, occurrence))


def _mutated(operator: Any, source: str, occurrence: int) -> str:
    return str(mutate_code(source, operator, occurrence))


def _as_edit(name: str, source: str, changed: str) -> Iterator[Mutant]:
    """The shortest edit between the two, widened to whole words."""
    if changed == source:
        return
    left = 0
    while source[left] == changed[left]:
        left += 1
    right = 0
    most = min(len(source), len(changed)) - left
    while right < most and source[-1 - right] == changed[-1 - right]:
        right += 1
    start, end = left, len(source) - right
    yield Mutant(
        name, _place(source, start), _place(source, end), changed[left : len(changed) - right]
    )


def _place(source: str, offset: int) -> tuple[int, int]:
    before = source[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1)


def _nodes(source: str) -> Iterator[Any]:
    yield from ast_nodes(get_ast(source))


def _ours(source: str) -> Iterator[Mutant]:
    for node in _nodes(source):
        if node.type in _TEXTS and not _is_docstring(node):
            yield from _of_text(node)
        elif node.type == "argument" and _is_droppable(node):
            yield from _of_argument(node)
        elif node.type == "simple_stmt":
            yield from _of_statement(node)


def _is_docstring(node: Any) -> bool:
    return node.value.startswith(('"""', 'r"""')) or (
        node.parent is not None and node.parent.type == "simple_stmt"
    )


def _of_text(leaf: Any) -> Iterator[Mutant]:
    text = leaf.value
    whole = leaf.parent.children[0].get_code() if leaf.parent.type == "strings" else text
    is_update = bool(_UPDATE.search(whole) or _UPDATE.search(text))
    for match in (_ASSIGNMENT if is_update else _CLAUSE).finditer(text):
        clause = match.group()
        changes = _of_assignment(clause) if is_update else _of_clause(clause)
        for name, changed in changes:
            yield _in_leaf(leaf, name, match.start(), match.end(), changed)


def _of_clause(clause: str) -> Iterator[tuple[str, str]]:
    yield "always true", f"({clause} OR attribute_not_exists({NEVER_THERE}))"
    yield "never true", f"({clause} AND attribute_exists({NEVER_THERE}))"
    for sign, other in _BOUNDS.items():
        if f" {sign} " in clause:
            yield "boundary", clause.replace(f" {sign} ", f" {other} ")


def _of_assignment(clause: str) -> Iterator[tuple[str, str]]:
    target, _, value = clause.partition(" = ")
    yield "not written", f"{NEVER_THERE} = {value}"
    if kept := re.match(r"if_not_exists\([#\w]+, (:\w+)\)", value):
        yield "overwrites", f"{target} = {kept.group(1)}{value[kept.end() :]}"
    for sign, other in (("+", "-"), ("-", "+")):
        if f" {sign} " in value:
            yield "sign", f"{target} = {value.replace(f' {sign} ', f' {other} ')}"


def _in_leaf(leaf: Any, name: str, start: int, end: int, text: str) -> Mutant:
    line, column = leaf.start_pos
    return Mutant(name, (line, column + start), (line, column + end), text)


_DROPPABLE = ("condition", "due_at", "at_risk", "holds_slot", "admission", "failures", "files")


def _is_droppable(node: Any) -> bool:
    return node.children[0].type == "name" and node.children[0].value in _DROPPABLE


def _of_argument(node: Any) -> Iterator[Mutant]:
    """A keyword argument that has a default is left out."""
    following = node.get_next_leaf()
    end = following.end_pos if following.value == "," else node.end_pos
    yield Mutant("argument left out", node.start_pos, end, "")


def _of_statement(node: Any) -> Iterator[Mutant]:
    """A statement that only calls is left out, and swapped with one that only calls before it."""
    if not _only_calls(node.children[0]):
        return
    call = node.children[0]
    yield Mutant("call left out", call.start_pos, call.end_pos, "pass")
    block = node.parent.children
    before = block[block.index(node) - 1] if block.index(node) else None
    if before is not None and before.type == "simple_stmt" and _only_calls(before.children[0]):
        first = before.children[0]
        gap = before.children[-1].get_code() + " " * call.start_pos[1]
        text = call.get_code().strip() + gap + first.get_code().strip()
        yield Mutant("order", first.start_pos, call.end_pos, text)


def _only_calls(node: Any) -> bool:
    is_call = node.type == "atom_expr" and node.children[-1].type == "trailer"
    return is_call and node.children[0].get_code().strip() not in ("logger", "super")

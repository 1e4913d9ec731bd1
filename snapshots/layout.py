"""Tables and lists that fit: what is shown is chosen by width, and what is left out is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from snapshots.invocation import Invocation

_GAP = 2


def print_table(
    invocation: Invocation, columns: Mapping[str, int], rows: Sequence[Sequence[str]]
) -> None:
    """A row of markup on each line, no cell ever wrapped or cut.

    `columns` are names with ranks: where the terminal is too narrow, the highest ranks are left
    out, which standard error says. Columns of rank 0 are never left out: where not even these
    fit, each row is a list of names and values.
    """
    shown = list(columns)
    widths = dict(zip(columns, _widths(list(columns), rows), strict=True))
    while _total(widths[name] for name in shown) > invocation.out.width:
        least = max(shown, key=columns.__getitem__)
        if not columns[least]:
            return _print_lists(invocation.out, list(columns), rows)
        shown.remove(least)
    table = Table.grid(*shown, padding=(0, _GAP, 0, 0), pad_edge=False)
    table.show_header, table.header_style = True, "bold"
    for column in table.columns:
        column.no_wrap = True
    for row in rows:
        table.add_row(*(cell for name, cell in zip(columns, row, strict=True) if name in shown))
    invocation.out.print(table)
    if left_out := [name for name in columns if name not in shown]:
        note = f"no room for: {', '.join(left_out)}; --json has everything"
        invocation.err.print(note, markup=False, soft_wrap=True)
    return None


def print_details(out: Console, rows: Iterable[tuple[str, str]]) -> None:
    """Names and values of markup, a line each, which only the terminal itself wraps."""
    present = [(name, value) for name, value in rows if value]
    width = max((len(name) for name, _ in present), default=0)
    for name, value in present:
        out.print(f"[dim]{name:<{width}}[/dim]{'':{_GAP}}{value}", soft_wrap=True)


def _print_lists(out: Console, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for number, row in enumerate(rows):
        if number:
            out.print()
        print_details(out, zip(names, row, strict=True))


def _widths(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    cells = [[len(name) for name in names]]
    cells += [[Text.from_markup(cell).cell_len for cell in row] for row in rows]
    return [max(column) for column in zip(*cells, strict=True)]


def _total(widths: Iterable[int]) -> int:
    found = list(widths)
    return sum(found) + _GAP * (len(found) - 1)

"""What a visual shows of the selected rows, as a grid of cells."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from local.quicksight.catalogue import Visual, VisualType
from local.quicksight.dataset import YEARS, Invoice


@dataclass(frozen=True)
class Grid:
    """A titled table of cells, and how its visual shows it."""

    visual_type: VisualType
    title: str
    header: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def show_visual(visual: Visual, rows: Sequence[Invoice]) -> Grid:
    """The visual's content."""
    if visual.visual_type == "TABLE":
        return Grid(
            visual.visual_type,
            visual.title,
            visual.columns,
            [_cells(row, visual.columns) for row in rows],
        )
    if visual.visual_type == "PIVOT_TABLE":
        return _pivot(visual, rows)
    groups = _group(rows, visual.columns)
    sums = [(*key, _total(members)) for key, members in sorted(groups.items())]
    return Grid(visual.visual_type, visual.title, (*visual.columns, "amount"), sums)


def _pivot(visual: Visual, rows: Sequence[Invoice]) -> Grid:
    body = [
        (*key, *(_total(row for row in members if row.year == year) for year in YEARS))
        for key, members in sorted(_group(rows, visual.columns).items())
    ]
    return Grid(visual.visual_type, visual.title, (*visual.columns, *map(str, YEARS)), body)


def _group(rows: Iterable[Invoice], columns: Sequence[str]) -> dict[tuple[Any, ...], list[Invoice]]:
    groups: dict[tuple[Any, ...], list[Invoice]] = defaultdict(list)
    for row in rows:
        groups[_cells(row, columns)].append(row)
    return groups


def _cells(row: Invoice, columns: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(row, column) for column in columns)


def _total(rows: Iterable[Invoice]) -> Decimal:
    return sum((row.amount for row in rows), Decimal(0))

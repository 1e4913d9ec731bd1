"""Pages: their text stands in pages/, with `{{name}}` where the code tells something."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

_TEXTS = Path(__file__).parent / "pages"
_PLACE = re.compile(r"\{\{(\w+)\}\}")


def fill(name: str, **values: str) -> str:
    """The page of this name. Raises KeyError for a place without a value, ValueError for others."""
    text = (_TEXTS / name).read_text(encoding="utf-8")
    unused = values.keys() - set(_PLACE.findall(text))
    if unused:
        raise ValueError(f"{name} has no place for {', '.join(sorted(unused))}")
    return _PLACE.sub(lambda place: values[place[1]].rstrip("\n"), text)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a `|` within a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(each) for each in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

"""docs/glossary.md: each word is where it says, and no other word is used in its place."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", PAGE, re.M)[2:]
PLACES = [
    (word, path, name)
    for word, cell in ROWS
    for path, name in re.findall(r"([\w/]+\.py)(?: `(\w+)`)?", cell)
]
REPLACED = re.compile(
    r"(?i)(^|_)(foresee|foresight|foretell|foretold|outlook|can_pass|drain_burst|let_in|mend|told)(_|$)"
)
STORED = {"foretold_at", "foretold_p50", "foretold_p95"}
"""Attributes of records, which keep their names (docs/decisions/11-records-carry-a-version.md)."""
OURS = ("app.py", "bench", "infra", "lambdas", "local", "snapshots", "tools")


def file_of(path: str) -> Path:
    return next(
        folder / path
        for folder in (ROOT, ROOT / "lambdas" / "snapshot_export")
        if (folder / path).exists()
    )


@pytest.mark.parametrize(("word", "path", "name"), PLACES, ids=[word for word, *_ in PLACES])
def test_a_word_lives_where_the_glossary_says(word: str, path: str, name: str) -> None:
    tree = ast.parse(file_of(path).read_text(encoding="utf-8"))
    defined = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not name or name in defined


def test_each_word_stands_once_in_order() -> None:
    words = [word for word, _ in ROWS]
    assert words == sorted(words, key=str.lower) and len(words) == len({*words}) > 40
    assert all(any(word == found for found, *_ in PLACES) for word in words)


def test_words_that_were_replaced_name_nothing() -> None:
    paths = [path for part in OURS for path in (ROOT / part).rglob("*.py")] + [ROOT / "app.py"]
    used: dict[str, set[str]] = {}
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for field in ("id", "attr", "arg", "name"):
                name = getattr(node, field, None)
                if isinstance(name, str) and name not in STORED and REPLACED.search(name):
                    used.setdefault(str(path.relative_to(ROOT)), set()).add(name)
    assert used == {}

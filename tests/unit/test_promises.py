"""docs/promises.md names only what exists, and every fault that can be put back."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.chaos.bugs import BUGS
from tests.chaos.part import PARTS
from tests.model.faults import FAULTS
from tests.mutants.named import NAMED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
PROMISES = re.findall(r"^## (\d+)\. .+\n((?:(?!## ).*\n)+)", PAGE, re.M)
FOLDERS = (ROOT, ROOT / "lambdas" / "snapshot_export")


def test_there_are_fifteen_promises() -> None:
    assert [int(number) for number, _ in PROMISES] == [*range(1, 16)]


@pytest.mark.parametrize("text", [text for _, text in PROMISES], ids=[n for n, _ in PROMISES])
def test_a_promise_says_to_whom_it_is_made_what_keeps_it_and_what_shows_it(text: str) -> None:
    for part in ("To", "Kept by", "Shown by"):
        assert text.count(f"\n- **{part}**: ") == 1
    assert re.search(r"\*\*Shown by\*\*: .*`tests/", text)


def test_every_path_and_test_named_is_there() -> None:
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > 50
    for path, name in named:
        (file,) = [folder / path for folder in FOLDERS if (folder / path).is_file()]
        assert not name or f"\ndef {name}(" in file.read_text(encoding="utf-8"), (path, name)


@pytest.mark.parametrize("text", [text for _, text in PROMISES], ids=[n for n, _ in PROMISES])
def test_a_promise_keeps_a_test_that_does_not_wait_for_the_night(text: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert any(not _is_nightly(ROOT / path, name) for path, name in named)


def _is_nightly(path: Path, name: str) -> bool:
    marks = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            marks += [ast.unparse(each) for each in node.decorator_list]
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            marks.append(ast.unparse(node.value))
    return "pytest.mark.nightly" in marks


def test_every_fault_that_is_put_back_is_named_and_no_other() -> None:
    known = {bug.name for bug in BUGS} | {*FAULTS} | {named.name for named in NAMED}
    quoted = {*re.findall("“(.+?)”", PAGE)} - {"no such job", "quotes"}
    assert quoted == known


def test_every_command_and_part_of_chaos_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    assert {*re.findall(r"`make ([a-z-]+)`", PAGE)} <= targets
    parts = {
        part
        for listed in re.findall(r"\bparts? ((?:`\w+`(?: and )?)+)", PAGE)
        for part in re.findall(r"`(\w+)`", listed)
    }
    assert parts and parts <= {*PARTS}


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        path, _, anchor = target.partition("#")
        linked = ROOT / "docs" / path
        assert linked.is_file(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.M)
            assert anchor in {_anchor(heading) for heading in headings}, target


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")

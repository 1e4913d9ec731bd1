"""Every command line that a page shows exists: its command, and each of its options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from snapshots.main import snapshots
from tools.links import find_pages

ROOT = Path(__file__).parents[3]
PAGES = [page for page in find_pages(ROOT) if page.name != "CHANGELOG.md"]
_CODE = re.compile(r"^```\w*\n(.*?)^```|`([^`\n]+)`", re.M | re.S)
_START = re.compile(r"(?:^|[|(;]|&&)[ $]*(?:\.venv/bin/)?snapshots (?=[a-z-])")


def shown(page: Path) -> Iterator[str]:
    """What follows `snapshots` in the code of a page, a command each."""
    for block, span in _CODE.findall(page.read_text(encoding="utf-8")):
        for line in (block or span).replace("\\\n", " ").splitlines():
            if found := _START.search(line):
                yield re.split(r"[|;]|&&| [<>#] ", line[found.end() :])[0]


def unknown(line: str) -> list[str]:
    """Words of a command line that the command line does not know."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        words = line.split()
    command: click.Command = snapshots
    options = {name for each in snapshots.params for name in (*each.opts, *each.secondary_opts)}
    options |= {"--help"}
    wrong = []
    for word in words:
        if word.startswith("--"):
            name = word.partition("=")[0].rstrip("…,.")
            known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
            wrong += [] if name in options | known else [name]
        elif isinstance(command, click.Group):
            if word not in command.commands:
                # a value of an option of the program's own, such as a stack's name
                wrong += [] if words[0].startswith("-") else [word]
                continue
            command = command.commands[word]
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_exist(page: Path) -> None:
    assert [(line, wrong) for line in shown(page) if (wrong := unknown(line))] == []


def test_commands_are_found_and_wrong_ones_too() -> None:
    assert sum(len([*shown(page)]) for page in PAGES) > 100
    assert unknown("list --recipient X --local") == []
    assert unknown("list --receiver X") == ["--receiver"]
    assert unknown("schedule puts") == ["puts"]

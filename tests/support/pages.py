"""Pages of docs/ as a reader follows them: their files are written, their commands are run.

A fenced block is a file if it has a title (`json title="template.json"`; of `cdk.json`, members
that are laid over it), commands if it is `sh`, and what the commands before it print if it is
`text`, where `...` stands for anything. Blocks without a language are to be read only.
"""

from __future__ import annotations

import doctest
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
_LANGUAGES = frozenset({"", "csv", "json", "python", "sh", "text"})
_INFO = re.compile(r'(?P<language>\w*)(?: title="(?P<title>[^"]+)")?')
_MARK = "@@ line "


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and the line where it begins."""

    language: str
    title: str | None
    text: str
    line: int


def read_blocks(page: Path) -> list[Block]:
    """The blocks of a page in order; raises ValueError for one of an unknown kind."""
    return [*_blocks(page)]


def _blocks(page: Path) -> Iterator[Block]:
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        if token.type != "fence" or token.map is None:
            continue
        info = _INFO.fullmatch(token.info)
        if info is None or info["language"] not in _LANGUAGES:
            raise ValueError(f"{page.name}:{token.map[0] + 1}: unknown block {token.info}")
        yield Block(info["language"], info["title"], token.content, token.map[0] + 1)


def make_workspace(folder: Path) -> Path:
    """A checkout to follow a page in: its files and commands, without its state."""
    workspace = folder / "checkout"
    tools = workspace / ".venv" / "bin"
    tools.mkdir(parents=True)
    (workspace / "examples").symlink_to(ROOT / "examples")
    shutil.copy(ROOT / "cdk.json", workspace)
    (tools / "snapshots").symlink_to(Path(sys.executable).with_name("snapshots"))
    (tools / "activate").write_text(f'PATH="{tools}:$PATH"\n', encoding="utf-8")
    for name in ("aws", "make", "npx", "python"):
        module = "" if name == "python" else f" -m tests.support.commands {name}"
        script = (
            f'#!/bin/sh\nPYTHONPATH="{ROOT}:{ROOT}/lambdas" exec {sys.executable}{module} "$@"\n'
        )
        (tools / name).write_text(script, encoding="utf-8")
        (tools / name).chmod(0o755)
    return workspace


def follow_page(page: Path, workspace: Path, environment: Mapping[str, str]) -> None:
    """Write the files of a page, run its commands in one shell, compare what they print.

    Raises AssertionError, with the line of the block, where a command fails or prints otherwise.
    """
    blocks = read_blocks(page)
    for block in blocks:
        if block.title:
            _write(workspace / block.title, block)
    commands = [block for block in blocks if block.language == "sh" and not block.title]
    script = "".join(f"echo '{_MARK}{block.line}'\n{block.text}" for block in commands)
    tools = workspace / ".venv" / "bin"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        stdin=subprocess.DEVNULL,
        cwd=workspace,
        env={"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(workspace), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    printed = {
        int(line): text
        for line, _, text in (part.partition("\n") for part in done.stdout.split(_MARK)[1:])
    }
    place = f"{page.name}:{max(printed, default=0)}"
    assert done.returncode == 0, f"{place} fails\n{done.stdout}{done.stderr}"
    for before, after in pairwise(blocks):
        if after.language == "text" and before.language == "sh":
            got = printed[before.line]
            assert matches(after.text, got), f"{page.name}:{after.line} is not printed\n{got}"


def matches(expected: str, printed: str) -> bool:
    """Whether a text was printed, spaces at the ends of lines and how many lie between aside."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(expected, printed, flags)


def _write(path: Path, block: Block) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = block.text
    if path.name == "cdk.json":
        whole = json.loads(path.read_text(encoding="utf-8"))
        _lay_over(whole["context"], json.loads(f"{{{text}}}"))
        text = json.dumps(whole)
    path.write_text(text, encoding="utf-8")


def _lay_over(base: dict[str, Any], members: Mapping[str, Any]) -> None:
    for name, value in members.items():
        if isinstance(value, dict) and isinstance(base.get(name), dict):
            _lay_over(base[name], value)
        else:
            base[name] = value

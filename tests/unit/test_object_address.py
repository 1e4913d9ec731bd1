"""An object's address is its bucket and its key: any key comes back as itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cli.object_address
import snapshot_export.domain.object_address
from tests.support.keys import BUCKET, HARD_KEYS, keys

ROOT = Path(__file__).parents[2]
SOURCES = ("lambdas", "cli", "local", "infra", "bench")
TYPES: list[Any] = [
    snapshot_export.domain.object_address.ObjectAddress,
    cli.object_address.ObjectAddress,
]


@pytest.mark.parametrize("kind", TYPES)
@given(key=st.one_of(keys(), st.sampled_from(HARD_KEYS)))
def test_any_key_is_written_and_read_as_itself(kind: Any, key: str) -> None:
    text = str(kind(BUCKET, key))
    assert text == f"s3://{BUCKET}/{key}"
    assert tuple(vars_of(kind.parse(text))) == (BUCKET, key)


def vars_of(address: Any) -> tuple[str, str]:
    return address.bucket, address.key


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "text",
    ["", "s3:", "s3://", "s3://bucket", "s3://bucket/", "s3:///key", "https://b/k", "S3://b/k",
     "b/k", "s3:/b/k"],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_its_text(kind: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"must be s3://<bucket>/<key>"):
        kind.parse(text)


@given(st.text(max_size=30))
def test_the_command_line_reads_addresses_as_the_functions_do(rest: str) -> None:
    def outcome(kind: Any) -> tuple[str, str] | None:
        try:
            return vars_of(kind.parse(f"s3://{rest}"))
        except ValueError:
            return None

    assert outcome(TYPES[0]) == outcome(TYPES[1])


def test_no_other_code_reads_or_writes_an_address() -> None:
    homes = {Path(module.__file__ or "") for module in (
        snapshot_export.domain.object_address, cli.object_address)}  # fmt: skip
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources()
        if path not in homes
        for line in lines_with_the_scheme(path)
    ]
    assert not found, "use ObjectAddress"


def test_code_that_cuts_an_address_itself_would_be_found(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    text = '"""Of s3://bucket/key."""\na = f"s3://{b}/{k}"\nc = x.removeprefix("s3://")\n'
    bad.write_text(text, "utf-8")
    assert list(lines_with_the_scheme(bad)) == [2, 3]


def sources() -> Iterator[Path]:
    for folder in SOURCES:
        yield from (ROOT / folder).rglob("*.py")


def lines_with_the_scheme(path: Path) -> Iterator[int]:
    """Lines whose code, docstrings and texts for people aside, holds `s3://`."""
    tree = ast.parse(path.read_text("utf-8"))
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("metavar", "help", "description"):
            prose.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in prose and "s3://" in str(node.value):
            yield node.lineno

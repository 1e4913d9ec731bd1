"""An object's address is its bucket and its key: any key comes back as itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain import object_address
from snapshot_export.domain.object_address import ObjectAddress
from tests.support.keys import BUCKET, HARD_KEYS, keys

ROOT = Path(__file__).parents[2]
SOURCES = ("lambdas", "snapshots", "local", "infra", "bench")


@given(key=st.one_of(keys(), st.sampled_from(HARD_KEYS)))
def test_any_key_is_written_and_read_as_itself(key: str) -> None:
    address = ObjectAddress(BUCKET, key)
    assert str(address) == f"s3://{BUCKET}/{key}"
    assert ObjectAddress.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["", "s3:", "s3://", "s3://bucket", "s3://bucket/", "s3:///key", "https://b/k", "S3://b/k",
     "b/k", "s3:/b/k"],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be s3://<bucket>/<key>"):
        ObjectAddress.parse(text)


def test_no_other_code_reads_or_writes_an_address() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources()
        if path != Path(object_address.__file__)
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

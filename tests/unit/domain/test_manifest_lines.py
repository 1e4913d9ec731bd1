"""Manifests as records: whatever the chunks, and wherever reading begins again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain import manifest_lines
from snapshot_export.domain.manifest_lines import (
    MAX_RECORD_BYTES,
    join_quoted,
    leaves_open,
    split_lines,
)

cells = st.text(st.sampled_from('ab ,"\n\r'), max_size=6)
rows = st.lists(st.lists(cells, min_size=2, max_size=3), max_size=12)


def chunks_of(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def written(table: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(table)
    return text.getvalue().encode()


@given(rows, st.integers(1, 40))
def test_csv_records_are_those_that_were_written_whatever_the_chunks(
    table: list[list[str]], size: int
) -> None:
    data = written(table)
    records = [*join_quoted(split_lines(chunks_of(data, size), offset=0, line=1))]
    read = [next(csv.reader(io.StringIO(each.data.decode(), newline=""))) for each in records]
    assert read == table, "line ends in quoted cells are data, and kept as they are"
    assert not [each for each in records if each.problem]


@given(rows, st.integers(1, 40), st.data())
def test_reading_begins_again_where_a_record_ended(
    table: list[list[str]], size: int, draw: st.DataObject
) -> None:
    data = written(table)
    records = [*join_quoted(split_lines(chunks_of(data, size), offset=0, line=1))]
    if not records:
        return
    at = draw.draw(st.integers(0, len(records) - 1))
    last = records[at]
    rest = chunks_of(data[last.next_offset :], size)
    again = join_quoted(split_lines(rest, offset=last.next_offset, line=last.next_line))
    assert [*again] == records[at + 1 :]


@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_are_read_to_their_end(data: bytes, size: int) -> None:
    lines = [*split_lines(chunks_of(data, size), offset=0, line=1)]
    assert [each.line for each in lines] == [*range(1, len(lines) + 1)]
    assert not lines or lines[-1].next_offset == len(data)
    records = [*join_quoted(iter(lines))]
    assert not records or records[-1].next_offset == len(data)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b,c", ""]), st.sampled_from(["\r", "\n", "\r\n"]))),
    st.integers(1, 9),
)
def test_cr_lf_and_crlf_each_end_a_line_also_between_two_chunks(
    parts: list[tuple[str, str]], size: int
) -> None:
    data = "".join(text + end for text, end in parts)
    lines = [*split_lines(chunks_of(data.encode(), size), offset=0, line=1)]
    expected = io.StringIO(data, newline="").readlines()
    assert [(each.data + each.end).decode() for each in lines] == expected
    assert "".join(expected) == data, "nothing between two lines is lost"


@pytest.mark.parametrize(
    "data",
    [b'a","\n' * 60_000, b'"\n' * 60_000, (b'"x,y\n' + b"z\n" * 30_000) * 2],
    ids=["each line closes a quote and opens one", "quotes only", "one quote and many lines"],
)
def test_no_line_is_looked_through_more_than_twice(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = 0

    def counted(line: bytes, *, is_open: bool) -> bool:
        nonlocal looked_at
        looked_at += len(line) + 1
        return leaves_open(line, is_open=is_open)

    monkeypatch.setattr(manifest_lines, "leaves_open", counted)
    records = [*join_quoted(split_lines([data], offset=0, line=1))]
    assert looked_at <= 2 * len(data)
    assert records[-1].next_offset == len(data)


@pytest.mark.parametrize("size", [1000, MAX_RECORD_BYTES, 10 * MAX_RECORD_BYTES])
def test_a_line_without_end_is_one_problem_and_the_next_line_is_read(size: int) -> None:
    data = b"first\n" + b"x" * (3 * MAX_RECORD_BYTES) + b"\nthird\n"
    first, second, third = split_lines(chunks_of(data, size), offset=0, line=1)
    assert (first.data, third.data) == (b"first", b"third")
    assert second.problem == f"must be at most {MAX_RECORD_BYTES} bytes" and second.data == b""
    assert (second.line, third.line, third.next_offset) == (2, 3, len(data))


def test_a_quote_that_is_not_closed_spoils_its_own_line_only() -> None:
    lines = [b'a,"open', b"b,1", b"c,2"]
    records = [*join_quoted(split_lines([b"\n".join(lines)], offset=0, line=1))]
    assert [each.line for each in records] == [1, 2, 3]
    assert [bool(each.problem) for each in records] == [True, False, False]
    assert records[1].data == b"b,1"

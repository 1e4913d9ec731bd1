"""A manifest's bytes as records: a line each, or several where a quoted CSV cell holds newlines."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

MAX_RECORD_BYTES = 131_072
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record. `line` is the file's line where it begins, from 1; `end` is what ends it.

    The next record begins on `next_line`, at byte `next_offset`. A record with a `problem` cannot
    be read; the one after it can.
    """

    line: int
    next_line: int
    next_offset: int
    data: bytes
    end: bytes = b""
    problem: str | None = None


def split_lines(chunks: Iterable[bytes], *, offset: int, line: int) -> Iterator[Record]:
    """Lines of a file from byte `offset`, which is the start of `line`, without their ends.

    CR, LF and CRLF each end a line, whatever the others end with. Memory is bounded by a chunk and
    MAX_RECORD_BYTES, however long a line is.
    """
    rest, skipped = b"", 0
    for chunk in chunks:
        rest += chunk
        start = 0
        for found in _LINE_END.finditer(rest):
            if found[0] == b"\r" and found.end() == len(rest):
                break  # an LF may follow in the next chunk
            data = rest[start : found.start()]
            offset += skipped + found.end() - start
            yield _line(data, found[0], line, offset, skipped)
            start, line, skipped = found.end(), line + 1, 0
        rest = rest[start:]
        if len(rest) > MAX_RECORD_BYTES:
            kept = rest[-1:] if rest.endswith(b"\r") else b""
            rest, skipped = kept, skipped + len(rest) - len(kept)
    if rest or skipped:
        data = rest.removesuffix(b"\r")
        yield _line(data, rest[len(data) :], line, offset + skipped + len(rest), skipped)


def _line(data: bytes, end: bytes, line: int, next_offset: int, skipped: int) -> Record:
    is_long = skipped + len(data) > MAX_RECORD_BYTES
    return Record(
        line=line,
        next_line=line + 1,
        next_offset=next_offset,
        data=b"" if is_long else data,
        end=end,
        problem=f"must be at most {MAX_RECORD_BYTES} bytes" if is_long else None,
    )


def split_records(
    chunks: Iterable[bytes], *, is_csv: bool, offset: int = 0, line: int = 1
) -> Iterator[Record]:
    """Records of a manifest from byte `offset`, the start of `line`, but for blank ones."""
    records = split_lines(chunks, offset=offset, line=line)
    if is_csv:
        records = join_quoted(records)
    return (record for record in records if record.problem or record.data.strip())


def join_quoted(lines: Iterator[Record]) -> Iterator[Record]:
    """CSV records of lines: a quoted cell may go over several, and keeps their ends as they are.

    A quote that is not closed within MAX_RECORD_BYTES makes its first line unreadable, and that
    line only: reading goes on with the next. Each line is looked through twice at most, once as
    the first of a record and once as the rest of one: whether a line closes an open quote does not
    depend on where that was opened, so `inside`, lines that close none, is kept for the next.
    """
    inside: deque[Record] = deque()
    inside_bytes = 0
    last: Record | None = None
    while True:
        if inside:
            first = inside.popleft()
            inside_bytes -= _size(first)
        elif last is not None:
            first, last = last, None
        elif (following := next(lines, None)) is not None:
            first = following
        else:
            return
        if first.problem or not leaves_open(first.data, is_open=False):
            yield first
            continue
        while True:
            last = last or next(lines, None)
            size = _size(first) + inside_bytes + (len(last.data) if last else 0)
            if last is None or last.problem or size > MAX_RECORD_BYTES:
                yield replace(first, data=b"", problem="has a quote that is not closed")
                break
            if leaves_open(last.data, is_open=True):
                inside.append(last)
                inside_bytes += _size(last)
                last = None
                continue
            data = b"".join(part.data + part.end for part in (first, *inside)) + last.data
            yield replace(last, line=first.line, data=data)
            inside.clear()
            inside_bytes, last = 0, None
            break


def _size(line: Record) -> int:
    return len(line.data) + len(line.end)


def leaves_open(data: bytes, *, is_open: bool) -> bool:
    """Whether a quoted cell goes on after this line; a quote opens only at a cell's start."""
    if b'"' not in data:
        return is_open
    at_start, index = not is_open, 0
    while index < len(data):
        character = data[index]
        if character == 0x22:
            if is_open and data[index + 1 : index + 2] == b'"':
                index += 1
            elif is_open or at_start:
                is_open = not is_open
        at_start = character == 0x2C and not is_open
        index += 1
    return is_open

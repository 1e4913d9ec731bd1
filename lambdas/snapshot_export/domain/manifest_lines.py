"""A manifest's bytes as records: a line each, or several where a quoted CSV cell holds newlines."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

MAX_RECORD_BYTES = 131_072


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record. `line` is the file's line where it begins, from 1.

    The next record begins on `next_line`, at byte `next_offset`. A record with a `problem` cannot
    be read; the one after it can.
    """

    line: int
    next_line: int
    next_offset: int
    data: bytes
    problem: str | None = None


def split_lines(chunks: Iterable[bytes], *, offset: int, line: int) -> Iterator[Record]:
    """Lines of a file from byte `offset`, which is the start of `line`, without their ends.

    Memory is bounded by a chunk and MAX_RECORD_BYTES, however long a line is.
    """
    rest, skipped = b"", 0
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for data in whole:
            offset += skipped + len(data) + 1
            yield _line(data, line, offset, skipped)
            line, skipped = line + 1, 0
        if len(rest) > MAX_RECORD_BYTES:
            rest, skipped = b"", skipped + len(rest)
    if rest or skipped:
        yield _line(rest, line, offset + skipped + len(rest), skipped)


def _line(data: bytes, line: int, next_offset: int, skipped: int) -> Record:
    is_long = skipped + len(data) > MAX_RECORD_BYTES
    return Record(
        line=line,
        next_line=line + 1,
        next_offset=next_offset,
        data=b"" if is_long else data.removesuffix(b"\r"),
        problem=f"must be at most {MAX_RECORD_BYTES} bytes" if is_long else None,
    )


def join_quoted(lines: Iterator[Record]) -> Iterator[Record]:
    """CSV records of lines: a quoted cell may go over several.

    A quote that is not closed within MAX_RECORD_BYTES makes its first line unreadable, and that
    line only: reading goes on with the next.
    """
    returned: deque[Record] = deque()

    def take() -> Record | None:
        return returned.popleft() if returned else next(lines, None)

    while (first := take()) is not None:
        parts, size, more = [first], len(first.data), None
        is_open = leaves_open(first.data, is_open=False)
        while is_open:
            more = take()
            if more is None or more.problem or size + len(more.data) > MAX_RECORD_BYTES:
                break
            parts.append(more)
            size += len(more.data) + 1
            is_open = leaves_open(more.data, is_open=True)
        if is_open:
            returned.extendleft(reversed([*parts[1:], *([more] if more else [])]))
            yield replace(first, data=b"", problem="has a quote that is not closed")
            continue
        last = parts[-1]
        yield replace(
            first,
            next_line=last.next_line,
            next_offset=last.next_offset,
            data=b"\n".join(part.data for part in parts),
        )


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

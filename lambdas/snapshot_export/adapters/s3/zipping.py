"""A zip, written piece by piece in the memory of one piece.

CSVs are deflated; PDFs and workbooks are already.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file of a zip: its name there, its format and its bytes, which are read in its turn."""

    name: str
    format: str
    pieces: Iterator[bytes]


def zipped(entries: Iterable[Entry], made_at: float) -> Iterator[bytes]:
    """The zip's bytes; each entry has the time `made_at`, epoch seconds. The same files make the
    same zip."""
    sink = _Sink()
    made = datetime.fromtimestamp(made_at, UTC).timetuple()
    with ZipFile(cast("IO[bytes]", sink), "w") as archive:
        for each in entries:
            entry = ZipInfo(each.name, made[:6])
            entry.compress_type = ZIP_DEFLATED if each.format == "CSV" else ZIP_STORED
            with archive.open(entry, "w") as written:
                for piece in each.pieces:
                    written.write(piece)
                    yield sink.take()
    yield sink.take()


class _Sink(io.RawIOBase):
    """Takes what a ZipFile writes, which cannot go back in it, until somebody takes it on."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any, /) -> int:
        """Hold some bytes."""
        self._held += data
        return len(data)

    def take(self) -> bytes:
        """What was written since."""
        taken = bytes(self._held)
        self._held.clear()
        return taken

"""A file on its way to S3: whole, and within the time that its function has."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from dataclasses import dataclass

from snapshot_export.errors import TransferTooSlowError

PIECE_BYTES = 256 * 1024


@dataclass(frozen=True)
class TimeLimit:
    """Until when a transfer may go on, in epoch seconds of the clock `now`."""

    now: Callable[[], float]
    stop_at: float

    def check(self, _transferred: int = 0) -> None:
        """Raise TransferTooSlowError when the time is over; serves as boto3's `Callback`."""
        if self.now() >= self.stop_at:
            raise TransferTooSlowError("a file did not reach its place in time")


class TimedBody:
    """A response's body for upload_fileobj, which reads it in parts of some megabytes.

    http.client takes a connection that ends early for the end of the body, and waits for a part
    however slowly it comes: so the length is compared, and the time is looked at piece by piece.
    """

    def __init__(self, response: http.client.HTTPResponse, limit: TimeLimit) -> None:
        self._response = response
        self._limit = limit
        self._missing = response.length

    def read(self, amount: int = -1) -> bytes:
        """Up to `amount` bytes, fewer at the end only. Raises IncompleteRead,
        TransferTooSlowError."""
        parts, size = [], 0
        while amount < 0 or size < amount:
            self._limit.check()
            wanted = PIECE_BYTES if amount < 0 else min(PIECE_BYTES, amount - size)
            piece = self._response.read1(wanted)
            if not piece:
                if self._missing:
                    raise http.client.IncompleteRead(b"", self._missing)
                break
            parts.append(piece)
            size += len(piece)
            if self._missing is not None:
                self._missing -= len(piece)
        return b"".join(parts)

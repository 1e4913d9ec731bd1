"""Addresses of files for which no destination was given: presigned, and soon expired."""

import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

_PIECES = 8


@dataclass(frozen=True)
class Download:
    """A file behind an address. It takes `seconds` to come, and only half of it if it is cut."""

    name: str
    content: bytes
    expires_at: float
    seconds: float = 0.0
    is_cut: bool = False

    def pieces(self, sleep: Callable[[float], None]) -> Iterator[bytes]:
        """The content as it comes."""
        size = -(-len(self.content) // _PIECES)
        for number in range(_PIECES // 2 if self.is_cut else _PIECES):
            if self.seconds:
                sleep(self.seconds / _PIECES)
            yield self.content[number * size : (number + 1) * size]


class DownloadStore:
    """Makes addresses and honours them until they expire (about 300 s in the wild); thread-safe."""

    def __init__(self, expiry_seconds: float) -> None:
        self.base_url = "https://127.0.0.1"
        self._expiry_seconds = expiry_seconds
        self._lock = threading.Lock()
        self._downloads: dict[str, Download] = {}

    def expiry_of(self, now: float) -> float:
        """When an address that is made now expires."""
        return now + self._expiry_seconds

    def make_address(self, download: Download, now: float) -> str:
        """A fresh https address of a file."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._downloads = {
                key: entry for key, entry in self._downloads.items() if entry.expires_at > now
            }
            self._downloads[token] = download
        query = f"X-Amz-Expires={self._expiry_seconds:.0f}&X-Amz-Signature={token}"
        return f"{self.base_url}/{quote(download.name)}?{query}"

    def open(self, name: str, token: str, now: float) -> Download | None:
        """The file, or None if the address was never given or has expired."""
        with self._lock:
            found = self._downloads.get(token)
        if found is None or found.name != name or now >= found.expires_at:
            return None
        return found

    def clear(self) -> None:
        """Forget every address."""
        with self._lock:
            self._downloads = {}

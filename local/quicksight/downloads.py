"""Addresses of files for which no destination was given: presigned, and soon expired."""

import secrets
import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Download:
    """A file behind an address."""

    name: str
    content: bytes
    expires_at: float


class DownloadStore:
    """Makes addresses and honours them until they expire (about 300 s in the wild); thread-safe."""

    def __init__(self, expiry_seconds: float) -> None:
        self.base_url = "https://127.0.0.1"
        self._expiry_seconds = expiry_seconds
        self._lock = threading.Lock()
        self._downloads: dict[str, Download] = {}

    def make_address(self, name: str, content: bytes, now: float) -> str:
        """A fresh https address of a file."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._downloads = {
                key: entry for key, entry in self._downloads.items() if entry.expires_at > now
            }
            self._downloads[token] = Download(name, content, now + self._expiry_seconds)
        query = f"X-Amz-Expires={self._expiry_seconds:.0f}&X-Amz-Signature={token}"
        return f"{self.base_url}/{name}?{query}"

    def open(self, name: str, token: str, now: float) -> bytes | None:
        """The file, or None if the address was never given or has expired."""
        with self._lock:
            found = self._downloads.get(token)
        if found is None or found.name != name or now >= found.expires_at:
            return None
        return found.content

    def clear(self) -> None:
        """Forget every address."""
        with self._lock:
            self._downloads = {}

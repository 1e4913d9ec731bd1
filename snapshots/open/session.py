"""Who may use the page: a ticket that works once is exchanged for a key.

The ticket stands in the fragment of the page's address, which browsers send to nobody. The key is
held by the tab and sent in a header. A cookie would not do: those of 127.0.0.1 go to every port of
it, whatever program listens there (RFC 6265, section 8.5).
"""

from __future__ import annotations

import secrets
from threading import Lock


class Session:
    """One page's ticket and key, both of 256 random bits."""

    def __init__(self) -> None:
        self.ticket = secrets.token_urlsafe(32)
        self._key = secrets.token_urlsafe(32)
        self._is_used = False
        self._lock = Lock()

    def exchange(self, ticket: str) -> str | None:
        """The key for the right ticket, the first time; None for another one, and later."""
        with self._lock:
            if self._is_used or not _equal(ticket, self.ticket):
                return None
            self._is_used = True
            return self._key

    def is_key(self, key: str) -> bool:
        """Whether this is the key, which only the ticket's holder has."""
        return self._is_used and _equal(key, self._key)


def _equal(given: str, wanted: str) -> bool:
    return secrets.compare_digest(given.encode(), wanted.encode())

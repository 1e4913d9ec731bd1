"""Recipients from a query: how long it may take, and whether its result is plausible."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from snapshot_export.domain.hold import HOLD_SECONDS, Hold

MAX_QUERY_SECONDS = 2700.0
"""From when the burst could ask to the result. Athena itself ends a query after 30 minutes, unless
its quota was raised; the rest is for its queue. Source: Athena User Guide, "Service Quotas"."""
MAX_RESULT_BYTES = 256 * 1024 * 1024
"""A result passes through the function's temporary storage, which has 512 MB."""
DEFAULT_CHANGE_SHARE = 0.2
RECIPIENTS_CHANGED = "RECIPIENTS_CHANGED"
_FIRST_POLL_SECONDS = 2
_LAST_POLL_SECONDS = 60


def request_token(burst_id: str, nonce: str, call: Mapping[str, Any]) -> str:
    """The ClientRequestToken of a burst's query: the same call repeated starts no second query.

    The call is part of it, since Athena refuses a token that comes with another: a named query can
    be edited between two tries.
    """
    text = json.dumps([burst_id, nonce, call], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def seconds_to_next_poll(age: float) -> int:
    """How long to wait before a query is looked at again that began `age` seconds ago."""
    return int(min(max(_FIRST_POLL_SECONDS, age / 4), _LAST_POLL_SECONDS))


def hold_for_count(
    count: int, expected: int | None, max_change_share: float | None, now: float
) -> Hold | None:
    """The hold of a burst whose query found `count` recipients where `expected` were, or None.

    Nothing is expected of a first occurrence, nor of a burst that does not say so.
    """
    if expected is None:
        return None
    share = DEFAULT_CHANGE_SHARE if max_change_share is None else max_change_share
    if abs(count - expected) <= share * expected:
        return None
    text = (
        f"The query found {count} recipients where {expected} are expected, "
        f"a change of more than {share:.0%}: release the burst if that is right, or cancel it."
    )
    return Hold(code=RECIPIENTS_CHANGED, message=text, at=now, until=now + HOLD_SECONDS)

"""A burst that is held: it does nothing until somebody releases or cancels it, or its time is up.

Times are epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

HOLD_SECONDS = 86_400.0
"""How long a burst waits for somebody to decide; then it ends FAILED, with the hold's reason."""


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Why a burst was held at `at`, and until when it waits. `code` is for programs.

    The message holds no value of a request. `announced` once the event was sent.
    """

    code: str
    message: str
    at: float
    until: float
    announced: bool = False

"""NextToken: a place in a list, bound to the list that it was made for."""

from __future__ import annotations

import base64
import binascii
import json

from snapshot_export.domain.json_text import digest_of
from snapshot_export.domain.problem import InvalidRequestError, Problem

_CHECK_CHARACTERS = 16


def token_of(place: str | None, question: object) -> str | None:
    """The token that continues the list of `question` (JSON data) from a place; None for None."""
    if place is None:
        return None
    text = json.dumps([place, _check(place, question)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(token: str, question: object) -> str:
    """The place in a token.

    Raises InvalidRequestError for one that was changed, or made for another question. It guards
    against mistakes; a forged one only names a place in a list that its caller may read anyway.
    """
    try:
        padded = token + "=" * (-len(token) % 4)
        place, check = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if isinstance(place, str) and check == _check(place, question):
            return place
    except (binascii.Error, ValueError, TypeError, RecursionError):
        pass
    rule = "must be the NextToken of a list with the same parameters"
    raise InvalidRequestError((Problem("query.NextToken", rule),))


def _check(place: str, question: object) -> str:
    return digest_of([place, question])[:_CHECK_CHARACTERS]

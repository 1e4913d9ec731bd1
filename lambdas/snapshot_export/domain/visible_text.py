"""Text that is what it looks like: nothing in it that a person who reads it cannot see."""

from __future__ import annotations

import re
import unicodedata

_BLANK_LETTERS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that show nothing though their category is that of a letter, mark or symbol."""
_INVISIBLE = {"Cc", "Cf", "Zl", "Zp", "Zs"}
_SEEN_SPACES = {" ", "\u3000"}
"""The space, and the wide one that Chinese and Japanese names are written with."""


def hidden_rule(text: str) -> str | None:
    """The rule that a text breaks with what cannot be seen in it, or None. Values are not repeated.

    A row-level-security tag is compared to the data by its characters: with one that nobody sees
    it shows no rows, or those of whoever is written like that.
    """
    if text.isascii() and text.isprintable():
        seen = text
    elif _BLANK_LETTERS.search(text) or any(map(_is_invisible, text)):
        seen = "".join(
            each for each in text if not _is_invisible(each) and not _BLANK_LETTERS.match(each)
        )
        if seen.strip():
            return "must not hold characters that cannot be seen"
    else:
        seen = text
    if not seen.strip():
        return "must not be blank"
    return "must not begin or end with a space" if seen != seen.strip() else None


def _is_invisible(character: str) -> bool:
    return character not in _SEEN_SPACES and unicodedata.category(character) in _INVISIBLE

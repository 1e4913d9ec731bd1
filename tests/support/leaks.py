"""Marked values and digests of what holds them, and a search for both where they must not be.

A value is searched in every form in which code lets it slip: as it is, escaped in JSON or a URL,
in base64 at any place, a number in its digits, a time by its date in any notation.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

TEXT = 'zq7-märk"ed/tag&5d1c'
"""With characters that JSON, URLs and HTML escape; its ends are plain, however it is written."""
STRING = "zq7markedstring41f0"
INTEGER = 739184625017341
DECIMAL = 83719.462517341
TIME = "2031-07-19T04:53:17+00:00"
EMAIL = "zq7.marked@example.com"
MARKS: dict[str, tuple[str, ...]] = {
    "tag": (TEXT, "zq7-m", "ed/tag&5d1c", "tag&amp;5d1c", quote(TEXT, safe="")),
    "string": (STRING,),
    "integer": (str(INTEGER),),
    "decimal": (str(DECIMAL),),
    "time": ("2031-07-19", "1942203197", "July 19, 2031"),
    "e-mail": (EMAIL, quote(EMAIL)),
}
"""Forms of each marked value; the searcher adds the encodings."""


@dataclass(frozen=True)
class Leak:
    """A marked value where none may be; `around` is the text about it."""

    mark: str
    source: str
    around: str


def find_leaks(sources: Mapping[str, Iterable[str]]) -> list[Leak]:
    """Marked values in the texts of each source."""
    found = []
    for source, texts in sources.items():
        for text in texts:
            for mark, forms in _FORMS.items():
                places = [text.find(form) for form in forms if form in text]
                if places:
                    place = min(places)
                    found.append(Leak(mark, source, text[max(0, place - 120) : place + 60]))
    return found


def find_tokens(tokens: Iterable[str], sources: Mapping[str, Iterable[str]]) -> list[Leak]:
    """Halves of tokens in the texts of each source; the other half could still not be guessed."""
    halves = [half for token in tokens for half in (token[: len(token) // 2], token[-20:])]
    return [
        Leak("token", source, half)
        for source, texts in sources.items()
        for text in texts
        for half in halves
        if half in text
    ]


DIGEST_DIGITS = 8
"""Of a digest's beginning: fewer would now and then be those of a random id."""
DIGEST_WINDOW = 12
"""Of digits anywhere in a digest."""


def digests_in(record: Any) -> set[str]:
    """The attributes `digest` of records, however deep they lie."""
    if isinstance(record, Mapping):
        own = {text_of(value) for name, value in record.items() if name == "digest"}
        return own.union(*map(digests_in, record.values()))
    return set().union(*map(digests_in, record)) if isinstance(record, list) else set()


def text_of(attribute: Any) -> str:
    """A text of DynamoDB's, which may stand in its marshalled form."""
    return str(attribute["S"] if isinstance(attribute, Mapping) else attribute)


def digests_of(body: str) -> set[str]:
    """What whoever guessed a body could compute of it without a key."""
    texts = {body}
    with contextlib.suppress(ValueError):
        data = json.loads(body)
        for separators in ((",", ":"), (", ", ": ")):
            for sort in (True, False):
                texts.add(json.dumps(data, sort_keys=sort, separators=separators))
    return {hashlib.new(kind, t.encode()).hexdigest() for kind in _HASHES for t in texts}


def find_digests(digests: Iterable[str], sources: Mapping[str, Iterable[str]]) -> list[Leak]:
    """Parts of digests in the texts of each source.

    Who sees a part of an unkeyed digest can confirm a guess of what was digested.
    """
    parts = set()
    for digest in digests:
        parts.add(digest[:DIGEST_DIGITS])
        ends = range(DIGEST_WINDOW, len(digest) + 1)
        parts.update(digest[end - DIGEST_WINDOW : end] for end in ends)
    return [
        Leak("digest", source, text[max(0, found.start() - 120) : found.end() + 20])
        for source, texts in sources.items()
        for text in texts
        for found in _DIGITS.finditer(text)
        if not parts.isdisjoint(_parts_of(found[0].lower()))
    ]


def _parts_of(digits: str) -> set[str]:
    """What of a run of digits may be a digest's beginning, or a window of one."""
    return {
        digits[at : at + size]
        for size in (DIGEST_DIGITS, DIGEST_WINDOW)
        for at in range(len(digits) - size + 1)
    }


def tags() -> list[dict[str, str]]:
    """Row-level-security tags with a marked value."""
    return [{"Key": "customer_id", "Value": TEXT}]


def parameters() -> dict[str, Any]:
    """Parameters of the four kinds with marked values."""
    return {
        "StringParameters": [{"Name": "Region", "Values": [STRING]}],
        "IntegerParameters": [{"Name": "Year", "Values": [INTEGER]}],
        "DecimalParameters": [{"Name": "MinAmount", "Values": [DECIMAL]}],
        "DateTimeParameters": [{"Name": "From", "Values": [TIME]}],
    }


def _encoded(form: str) -> set[str]:
    """The form, escaped by JSON, and in base64 at each of three places within longer data."""
    data = form.encode()
    base = {base64.b64encode(bytes(shift) + data)[4 * bool(shift) : -4] for shift in range(3)}
    return {form, json.dumps(form)[1:-1], *(each.decode() for each in base if len(each) > 7)}


_HASHES = ("sha256", "sha1", "md5")
_DIGITS = re.compile(rf"[0-9a-fA-F]{{{DIGEST_DIGITS},}}")
_FORMS = {
    mark: {encoded for form in forms for encoded in _encoded(form)} for mark, forms in MARKS.items()
}

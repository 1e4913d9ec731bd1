"""Keys that S3 takes and that code which takes them for URLs or paths gets wrong."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

BUCKET = "my-exports"
MAX_KEY_BYTES = 1024
"""S3 user guide, "Naming Amazon S3 objects": a key is at most 1,024 bytes of UTF-8."""
HARD_KEYS = (
    "exports/b/x.pdf?b.pdf",
    "exports/b/Invoice #3.pdf",
    "exports/b/100%.pdf",
    "exports/b/100%25.pdf",
    "exports/b/a+b c.pdf",
    "exports/b/a=b&c=d;e.pdf",
    'exports/b/it\'s "so".pdf',
    "exports/b//x.pdf",
    "/exports/b/x.pdf",
    "//x",
    "exports/b/?versionId=null.pdf",
    "exports/b/s3://other/x.pdf",
    "exports/b/" + unicodedata.normalize("NFC", "Übersicht é.pdf"),
    "exports/b/" + unicodedata.normalize("NFD", "Übersicht é.pdf"),
    "exports/b/\u200f\u0645\u0631\u062d\u0628\u0627\u200e.pdf",
    "exports/b/報告.pdf",
    "exports/b/" + "é" * 505 + ".pdf",
)
assert len(HARD_KEYS[-1].encode()) == MAX_KEY_BYTES


def keys() -> st.SearchStrategy[str]:
    """Any key: text without NUL, control characters and lone surrogates, in 1,024 bytes.

    Segments `.` and `..` are left out: SDKs refuse or resolve them (the same page).
    """
    hostile = st.sampled_from(
        [
            "?",
            "#",
            "%",
            "%2F",
            "+",
            "&",
            "=",
            " ",
            '"',
            "'",
            "/",
            "//",
            "é",
            "e\u0301",
            "\u200f",
            "\u202e",
            "@",
            ":",
            ";",
            ",",
            "$",
            "~",
        ]
    )
    plain = st.characters(blacklist_categories=("Cc", "Cs"))
    text = st.lists(st.one_of(hostile, plain), min_size=1, max_size=60).map("".join)
    return text.filter(
        lambda key: len(key.encode()) <= MAX_KEY_BYTES and not {".", ".."} & set(key.split("/"))
    )

"""Text with something in it that nobody sees is named by its rule."""

from __future__ import annotations

import pytest

from snapshot_export.domain.visible_text import hidden_rule

BLANK, PADDED = "must not be blank", "must not begin or end with a space"
HIDDEN = "must not hold characters that cannot be seen"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", BLANK), ("  ", BLANK), ("\t", BLANK), ("\u00a0 ", BLANK), ("\u200b", BLANK),
        ("\u3000", BLANK), ("\u2800", BLANK), ("\u3164", BLANK), ("\ufeff\u2060", BLANK),
        (" a", PADDED), ("a ", PADDED), ("\u3000a", PADDED), ("ä ", PADDED),
        ("\u200bcust-0003", HIDDEN), ("cust-0003\u00a0", HIDDEN), ("a\u00a0b", HIDDEN),
        ("a\u00adb", HIDDEN), ("a\u202eb", HIDDEN), ("a\u034fb", HIDDEN), ("a\ufe0f", HIDDEN),
        ("a\tb", HIDDEN), ("a\nb", HIDDEN), ("a\u2028b", HIDDEN), ("a\x7fb", HIDDEN),
        ("\U000e0041a", HIDDEN), ("\u2003a", HIDDEN), (" \u200ba", HIDDEN),
        ("cust-0001", None), ("Müller & Söhne", None), ("Mu\u0308ller", None),
        ("顧客\u3000一", None),
        ("عميل", None), ("*", None), ("4.71E+12", None), ("\U0001f600", None),
    ],
)  # fmt: skip
def test_what_cannot_be_seen_is_named_by_its_rule(text: str, rule: str | None) -> None:
    assert hidden_rule(text) == rule

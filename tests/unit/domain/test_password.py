"""What of a secret is a password, and what is none."""

from __future__ import annotations

import json

import pytest

from snapshot_export.domain.password import PasswordError, password_in

PASSWORD = "correct horse battery staple"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (PASSWORD, None),
        (json.dumps({"password": PASSWORD, "other": "x"}), None),
        (json.dumps({"cust-0001": PASSWORD, "cust-0002": "another password"}), "cust-0001"),
    ],
)
def test_a_secret_is_a_password_or_has_it_under_a_key(text: str, key: str | None) -> None:
    found = password_in(text, key)
    assert found.text == PASSWORD
    assert PASSWORD not in f"{found!r} {found}"


def test_a_json_text_that_is_no_object_is_a_password() -> None:
    assert password_in("123456789012", None).text == "123456789012"


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("eleven char", None, "it must be 12 to 127 characters"),
        ("x" * 128, None, "it must be 12 to 127 characters"),
        ("größer als alle", None, "it must be of ASCII letters"),
        ("twelve chars\n", None, "it must be of ASCII letters"),
        (" twelve chars", None, "it must be of ASCII letters"),
        (json.dumps({"Password": PASSWORD}), None, "its secret has no text under password"),
        (json.dumps({"password": 123456789012}), None, "its secret has no text under password"),
        (json.dumps({"a": PASSWORD}), "b", "its secret has no text under b"),
        (PASSWORD, "a", "its secret is no JSON object"),
        ("[" * 100_000, "a", "its secret is no JSON object"),
    ],
)
def test_what_is_no_password_is_refused_without_saying_it(
    text: str, key: str | None, reason: str
) -> None:
    with pytest.raises(PasswordError, match=reason) as refused:
        password_in(text, key)
    assert text not in str(refused.value)

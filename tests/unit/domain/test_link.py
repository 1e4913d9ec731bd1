"""Links: what may be a token, until when one is open, how use adds up, what a file is called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snapshot_export.adapters.services import random_token
from snapshot_export.domain.link import (
    Link,
    address_of,
    disposition_of,
    is_token,
    link_id_of,
    use_of,
)

LINK = Link(
    link_id="a",
    export_id="e",
    delivery_id="e-n-1-0",
    target="default",
    uri="s3://bucket/exports/e/report.pdf",
    etag="0",
    created_at=100.0,
    ends_at=200.0,
)


def test_a_drawn_token_is_one_and_is_another_each_time() -> None:
    drawn = [random_token() for _ in range(100)]
    assert all(map(is_token, drawn)) and len({*map(link_id_of, drawn)}) == 100


@pytest.mark.parametrize(
    "text", ["", "x" * 42, "x" * 44, "x" * 42 + "=", "x" * 42 + "\n", "x" * 43 + "\n", "ä" * 43]
)
def test_what_is_no_token_is_not_looked_for(text: str) -> None:
    assert not is_token(text)


def test_a_link_is_open_until_it_ends_or_is_revoked() -> None:
    assert LINK.is_open(199.9) and not LINK.is_open(200.0)
    assert not replace(LINK, revoked_at=150.0).is_open(160.0)


def test_the_links_of_a_mail_count_together_and_are_revoked_once_all_are() -> None:
    opened = replace(LINK, opened=2, first_opened_at=110.0, last_opened_at=120.0, revoked_at=150.0)
    later = replace(LINK, opened=1, first_opened_at=115.0, last_opened_at=115.0, ends_at=300.0)
    use = use_of([LINK, opened, later])
    assert (use.opened, use.first_opened_at, use.last_opened_at) == (3, 110.0, 120.0)
    assert (use.ends_at, use.revoked_at) == (300.0, None)
    assert use_of([opened, replace(later, revoked_at=160.0)]).revoked_at == 160.0
    assert use_of([LINK]).last_opened_at is None


@pytest.mark.parametrize(
    ("name", "plain", "encoded"),
    [
        ("report.pdf", "report.pdf", "report.pdf"),
        ("Zürich 1.csv", "Z_rich 1.csv", "Z%C3%BCrich%201.csv"),
        ('a";b\\.pdf', "a__b_.pdf", "a%22%3Bb%5C.pdf"),
        ("a\r\nb.pdf", "a__b.pdf", "a%0D%0Ab.pdf"),
    ],
)
def test_a_file_is_saved_under_its_name_whatever_that_holds(
    name: str, plain: str, encoded: str
) -> None:
    found = disposition_of(f"s3://bucket/exports/e/{name}")
    assert found == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def test_an_address_has_one_slash_between_its_parts() -> None:
    assert address_of("https://a.example/", "t") == "https://a.example/files/t"

"""The search for marked values finds them in every form: it can fail."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from urllib.parse import quote, urlencode

import pytest

from snapshot_export.domain.json_text import digest_of
from tests.support.leaks import (
    DECIMAL,
    EMAIL,
    INTEGER,
    MARKS,
    STRING,
    TEXT,
    TIME,
    digests_in,
    digests_of,
    find_digests,
    find_leaks,
    find_tokens,
    parameters,
    tags,
)

MOMENT = datetime.fromisoformat(TIME)
PLANTED = {
    "tag": [
        f"reason: {TEXT} is not allowed",
        json.dumps({"message": json.dumps({"Value": TEXT})}),
        json.dumps(tags(), ensure_ascii=False),
        f"GET /exports?tag={quote(TEXT, safe='')}",
        urlencode({"tag": TEXT}),
        repr(tags()),
        TEXT.replace("&", "&amp;").replace('"', "&quot;"),
    ],
    "string": [json.dumps(parameters()), f"ValueError('{STRING}')"],
    "integer": [f"{INTEGER}", json.dumps(parameters())],
    "decimal": [f"value={DECIMAL}", json.dumps(parameters())],
    "time": [f"at {TIME}", MOMENT.isoformat(), str(MOMENT), f"{MOMENT.timestamp():.0f}"],
    "e-mail": [f"user {EMAIL}", quote(EMAIL)],
}
CASES = [(mark, text) for mark, texts in PLANTED.items() for text in texts]


@pytest.mark.parametrize(("mark", "text"), CASES)
def test_a_planted_leak_is_found(mark: str, text: str) -> None:
    assert mark in {leak.mark for leak in find_leaks({"log": ["a line", text]})}


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_a_leak_in_base64_is_found_wherever_it_begins(mark: str, before: str) -> None:
    form = MARKS[mark][0]
    hidden = base64.b64encode(f'{before}{{"Value": "{form}"}}'.encode()).decode()
    (leak,) = find_leaks({"history": [f"body {hidden} end"]})
    assert (leak.mark, leak.source) == (mark, "history")


def test_what_is_allowed_is_no_leak() -> None:
    line = {"export_id": "marked-1", "reason": "must have at most 256 characters", "Key": "zq7"}
    assert find_leaks({"log": [json.dumps(line), "2026-07-19", "customer_id"]}) == []


def test_every_kind_of_value_is_marked() -> None:
    everything = json.dumps([parameters(), tags(), EMAIL])
    assert {leak.mark for leak in find_leaks({"": [everything]})} == set(MARKS)


BODY = json.dumps({"ExportId": "e", "Tags": {"customer": TEXT}})
DIGEST = digest_of(json.loads(BODY))


@pytest.mark.parametrize(
    "text",
    [
        f"e-1-{DIGEST[:12]}",
        f"(accepted: {DIGEST[:8]}, this one: 0)",
        f"recipients-{DIGEST.upper()}.jsonl",
        f"a1b2{DIGEST[20:32]}",
    ],
)
def test_a_part_of_a_digest_is_found(text: str) -> None:
    (leak,) = find_digests(digests_of(BODY), {"log": ["a line", text]})
    assert (leak.mark, leak.source) == ("digest", "log")


def test_what_is_no_digest_is_no_leak() -> None:
    texts = ["deadbeef-1-0123456789ab", DIGEST[1:10], "abcdefgh"]
    assert find_digests(digests_of(BODY), {"log": texts}) == []


def test_digests_are_taken_out_of_records() -> None:
    items = [{"digest": {"S": "aa"}, "pk": {"S": "p"}}, {"M": {"entry": {"digest": "bb"}}}, {}]
    assert digests_in(items) == {"aa", "bb"}


def test_a_token_is_found_also_by_half_of_it() -> None:
    token = "s0meT0ken_" + "a1-" * 11
    assert find_tokens([token], {"log": [f"GET /files/{token}"]})
    assert find_tokens([token], {"log": [f"... {token[:21]}"], "other": ["nothing"]})
    assert find_tokens([token], {"log": [token[:12], "files/{token}"]}) == []

"""A message that was sent again stands for the first one, if it can be told which that was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot_export.domain.first_delivery import FirstDelivery, first_delivery

OWN = FirstDelivery("own", 2_000.0)


@pytest.mark.parametrize(
    ("attributes", "first"),
    [
        ({}, OWN),
        ({"MessageId": "first", "SentAt": "1000.5"}, FirstDelivery("first", 1_000.5)),
        ({"MessageId": "first"}, FirstDelivery("first", 2_000.0)),
        ({"SentAt": "3000"}, OWN),
        ({"MessageId": None, "SentAt": None}, OWN),
    ],
)
def test_its_attributes_name_and_date_it(
    attributes: dict[str, str | None], first: FirstDelivery
) -> None:
    assert first_delivery(OWN.message_id, OWN.sent_at, attributes) == first


@pytest.mark.parametrize("wrong", ["", "a b", "x" * 49, "../x", "ü", "first\n"])
def test_what_can_be_no_message_id_is_ignored(wrong: str) -> None:
    assert first_delivery(OWN.message_id, OWN.sent_at, {"MessageId": wrong}) == OWN


@pytest.mark.parametrize("wrong", ["", "nan", "-1", "1e3", "inf", "٣", "1_0", " 1", "1\n"])
def test_what_can_be_no_time_is_ignored(wrong: str) -> None:
    assert first_delivery(OWN.message_id, OWN.sent_at, {"SentAt": wrong}) == OWN


@given(st.integers(0, 4_102_444_800_000))
def test_a_time_of_sqs_comes_back_as_it_was_however_often_it_is_sent_on(milliseconds: int) -> None:
    sent_at = milliseconds / 1000
    for text in (str(sent_at), f"{sent_at:.6f}"):
        again = first_delivery("new", sent_at + 60, {"MessageId": "own", "SentAt": text})
        assert again == FirstDelivery("own", sent_at)

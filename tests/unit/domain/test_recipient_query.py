"""How long a query may take, and whether its result is plausible."""

from __future__ import annotations

import pytest

from snapshot_export.domain.hold import HOLD_SECONDS
from snapshot_export.domain.recipient_query import (
    RECIPIENTS_CHANGED,
    hold_for_count,
    request_token,
    seconds_to_next_poll,
)


@pytest.mark.parametrize(
    ("count", "expected", "share", "is_held"),
    [
        (8, 10, None, False), (12, 10, None, False), (7, 10, None, True), (13, 10, None, True),
        (5, 10, 0.5, False), (4, 10, 0.5, True), (10, 10, 0.0, False), (11, 10, 0.0, True),
        (1, None, 0.0, False), (1000, 10, 100.0, False), (3, 0, None, True),
    ],
)  # fmt: skip
def test_a_change_beyond_the_share_is_held(
    count: int, expected: int | None, share: float | None, is_held: bool
) -> None:
    hold = hold_for_count(count, expected, share, 100.0)

    assert (hold is not None) is is_held
    if hold is not None:
        assert (hold.code, hold.at, hold.until) == (RECIPIENTS_CHANGED, 100, 100 + HOLD_SECONDS)
        assert str(count) in hold.message and str(expected) in hold.message


@pytest.mark.parametrize(
    ("age", "seconds"), [(0, 2), (8, 2), (12, 3), (100, 25), (240, 60), (2700, 60)]
)
def test_polls_grow_sparser_with_the_age_of_a_query(age: float, seconds: int) -> None:
    assert seconds_to_next_poll(age) == seconds


def test_a_token_is_of_the_burst_its_acceptance_and_its_call() -> None:
    token = request_token("burst", "nonce", {"QueryString": "SELECT 1"})

    assert token == request_token("burst", "nonce", {"QueryString": "SELECT 1"})
    others = {
        request_token("other", "nonce", {"QueryString": "SELECT 1"}),
        request_token("burst", "other", {"QueryString": "SELECT 1"}),
        request_token("burst", "nonce", {"QueryString": "SELECT 2"}),
    }
    assert token not in others and len(others) == 3
    assert 32 <= len(token) <= 128

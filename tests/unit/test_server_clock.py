"""A clock that DynamoDB's answers correct, and what the pace is by clocks that are apart."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from random import Random
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from snapshot_export.adapters.table.dynamodb import Table
from snapshot_export.adapters.table.pacer import Pacer
from snapshot_export.adapters.table.server_clock import ServerClock

BEGIN, TRAVEL = 1_800_000_000.0, 0.006
SEEDS = range(4)


class Watch:
    """A clock that is `ahead` of the true time, which a test moves."""

    def __init__(self, ahead: float) -> None:
        self.true, self.ahead = BEGIN, ahead

    def read(self) -> float:
        return self.true + self.ahead


def observe(clock: ServerClock, watch: Watch) -> None:
    """One call to DynamoDB now: its answer was written half way."""
    sent, date = watch.read(), math.floor(watch.true + TRAVEL / 2)
    clock.observe(sent, sent + TRAVEL, date)


@given(st.lists(st.floats(0.001, 90.0), max_size=30))
def test_a_clock_that_no_answer_contradicts_is_taken_as_it_is(pauses: list[float]) -> None:
    watch = Watch(0.0)
    clock = ServerClock(watch.read)
    for pause in pauses:
        watch.true += pause
        observe(clock, watch)
        assert clock.now() == watch.read()


@given(st.floats(-5.0, 5.0), st.lists(st.floats(0.001, 90.0), min_size=1, max_size=30))
def test_no_clock_is_off_by_more_than_a_second_after_an_answer(
    ahead: float, pauses: list[float]
) -> None:
    watch = Watch(ahead)
    clock = ServerClock(watch.read)
    for pause in pauses:
        watch.true += pause
        observe(clock, watch)
        assert abs(clock.now() - watch.true) <= 1.0 + TRAVEL


@given(st.floats(1.1, 5.0) | st.floats(-5.0, -1.1), st.integers(0, 2**32))
def test_many_answers_bring_a_wrong_clock_close(ahead: float, seed: int) -> None:
    watch, draw = Watch(ahead), Random(seed)
    clock = ServerClock(watch.read)
    for _ in range(200):
        watch.true += draw.uniform(0.01, 2.0)
        observe(clock, watch)
    assert abs(clock.now() - watch.true) < 0.1


def test_a_clock_that_is_set_is_followed() -> None:
    watch = Watch(4.0)
    clock = ServerClock(watch.read)
    observe(clock, watch)
    assert abs(clock.now() - watch.true) < 0.6
    watch.ahead = 0.0
    observe(clock, watch)
    assert clock.offset == 0.0


def test_answers_of_dynamodb_are_observed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    watch = Watch(0.0)
    clock = ServerClock(watch.read)
    with mock_aws():
        session = boto3.Session("test", "test", region_name="us-east-1")
        clock.watch(session)
        client = session.client("dynamodb")

        def dated(http_response: Any, **_more: object) -> None:
            http_response.headers["Date"] = "Fri, 15 Jan 2027 08:00:07 GMT"

        client.meta.events.register_first("after-call.dynamodb", dated)
        client.list_tables()
    assert 7.0 <= clock.offset <= 8.0


@pytest.mark.nightly
def test_twelve_slots_stay_under_ten_calls_a_second_with_clocks_ten_seconds_apart() -> None:
    corrected = [_most_in_a_second(seed, corrected=True) for seed in SEEDS]
    as_they_are = [_most_in_a_second(seed, corrected=False) for seed in SEEDS]
    assert max(corrected) <= 10 < max(as_they_are)


def _most_in_a_second(seed: int, *, corrected: bool) -> int:
    draw = Random(seed)
    with mock_aws():
        table = _make_table()
        callers = [Caller(table, draw.choice((-5.0, 5.0)), corrected) for _ in range(12)]
        departures = [*_calls(callers, draw, seconds=25.0)]
    assert len(departures) > 60
    return max(sum(at <= each < at + 1.0 for each in departures) for at in departures)


class Caller:
    """A function that calls QuickSight again and again, by a clock that is `ahead`."""

    def __init__(self, table: Table, ahead: float, corrected: bool) -> None:
        self.watch = Watch(ahead)
        self.clock = ServerClock(self.watch.read)
        self.waited = 0.0
        self.pacer = Pacer(
            table,
            ("GATE", "PACER"),
            calls_per_second=8,
            now=self.clock.now if corrected else self.watch.read,
            sleep=self._wait,
        )

    def _wait(self, seconds: float) -> None:
        self.waited = seconds

    def call_at(self, true: float) -> float:
        """Ask for a turn; answers when the call is made. Records were read shortly before."""
        for earlier in (0.04, 0.02, 0.0):
            self.watch.true = true - earlier
            observe(self.clock, self.watch)
        self.pacer.take_turn()
        return true + self.waited


def _calls(callers: list[Caller], draw: Random, *, seconds: float) -> Iterator[float]:
    waiting = [(BEGIN + draw.random() * 0.3, number) for number in range(len(callers))]
    heapq.heapify(waiting)
    while waiting:
        at, number = heapq.heappop(waiting)
        made = callers[number].call_at(at)
        yield made
        if made < BEGIN + seconds:
            heapq.heappush(waiting, (made + draw.uniform(0.2, 3.0), number))


def _make_table() -> Table:
    client = boto3.Session("test", "test", region_name="us-east-1").client("dynamodb")
    keys: Any = [{"AttributeName": "pk", "KeyType": "HASH"}]
    keys += [{"AttributeName": "sk", "KeyType": "RANGE"}]
    client.create_table(
        TableName="t",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=keys,
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ["pk", "sk"]
        ],
    )
    return Table(client, "t", lambda _seconds: None)

"""Usage and prices: what is counted, for whom, and what it costs."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from bench.prices import PRICES, Counts, Usage, count_usage, load_prices, price

OF_THE_COSTS_PAGE = {
    "alarm", "dashboard", "key", "log_gigabytes", "metric", "report_units", "sessions", "traces",
}  # fmt: skip


def line(service: str, resource: str, at: float = 10.0, **used: Any) -> dict[str, Any]:
    return {"at": at, "service": service, "resource": resource, **used}


def count(*lines: dict[str, Any]) -> Counts:
    return count_usage(lines, prefixes=("Ours",), since=5.0, until=15.0)


def test_every_price_has_an_address_and_every_use_a_price() -> None:
    table = json.loads(PRICES.read_text(encoding="utf-8"))
    assert set(load_prices()) == {field.name for field in fields(Usage)}
    assert set(table["prices"]) == set(load_prices()) | OF_THE_COSTS_PAGE
    assert all(each["source"].startswith("https://aws.") for each in table["prices"].values())


@pytest.mark.parametrize(
    ("used", "dollars"),
    [
        (Usage(state_transitions=1_000), 0.025),
        (Usage(write_units=2_000_000, read_units=1_000_000), 1.25 + 0.125),
        (Usage(lambda_gb_seconds=1_000, lambda_requests=1_000_000), 0.0133334 + 0.2),
        (Usage(), 0.0),
    ],
)
def test_a_price_is_the_use_times_the_list_price(used: Usage, dollars: float) -> None:
    assert sum(price(used, load_prices()).values()) == pytest.approx(dollars)


def test_only_ones_own_resources_in_ones_own_time_count() -> None:
    used = {"writes": 2, "refused": 0, "write_units": 4.0}
    counts = count(
        line("dynamodb", "Ours-Table", **used),
        line("dynamodb", "ours-table-2", **used),
        line("dynamodb", "others", **used),
        line("dynamodb", "Ours-Table", at=4.0, **used),
        line("dynamodb", "Ours-Table", at=16.0, **used),
    )
    assert (counts.writes, counts.usage.write_units) == (4, 8.0)


def test_refused_writes_are_writes_and_retries_are_transitions() -> None:
    counts = count(
        line("dynamodb", "Ours", writes=3, refused=3, write_units=6.0),
        line("states", "Ours", entered=1),
        line("states", "Ours", retries=1),
    )
    assert (counts.writes, counts.refused_writes) == (3, 3)
    assert (counts.transitions, counts.retries, counts.usage.state_transitions) == (2, 1, 2)


def test_an_invocation_by_a_queue_is_charged_with_a_receive_and_a_delete() -> None:
    invocation = {"seconds": 0.5, "gb_seconds": 0.25}
    counts = count(
        line("sqs", "Ours-Queue", action="SendMessage"),
        line("sqs", "Ours-Queue", action="GetQueueAttributes"),
        line("lambda", "Ours-IntakeFunction12", **invocation),
        line("lambda", "Ours-DescribeFunction34", **invocation),
    )
    assert counts.invocations == 2
    assert counts.usage == Usage(lambda_gb_seconds=0.5, lambda_requests=2, queue_requests=3)


def test_requests_to_a_bucket_are_of_two_prices_and_deletes_of_none() -> None:
    actions = ("PUT", "COPY", "LIST", "HEAD", "GET", "DELETE")
    usage = count(*(line("s3", "ours-bucket", action=action) for action in actions)).usage
    assert usage == replace(Usage(), bucket_writes=3, bucket_reads=2)

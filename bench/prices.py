"""What a row used, and what AWS asks for it by the one table of prices.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

PRICES = Path(__file__).with_name("prices.json")


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What is billed, each member named as in prices.json. `process_hours` is wall-clock time.

    Left out, since they do not grow with the exports of a day or are the same in every row:
    storage, logs, metrics and traces, a queue's idle polling, and QuickSight's own price.
    """

    lambda_gb_seconds: float = 0.0
    lambda_requests: float = 0.0
    state_transitions: float = 0.0
    write_units: float = 0.0
    read_units: float = 0.0
    queue_requests: float = 0.0
    events: float = 0.0
    bucket_writes: float = 0.0
    bucket_reads: float = 0.0
    api_requests: float = 0.0
    process_hours: float = 0.0


def unit_prices(path: Path = PRICES) -> dict[str, float]:
    """Dollars for one unit of everything that has a price."""
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["prices"]
    return {name: each["price"] / each["per"] for name, each in table.items()}


def load_prices(path: Path = PRICES) -> dict[str, float]:
    """Dollars for one unit of each member of Usage; KeyError for a member without price."""
    prices = unit_prices(path)
    return {field.name: prices[field.name] for field in fields(Usage)}


def price(usage: Usage, prices: Mapping[str, float]) -> dict[str, float]:
    """Dollars by member of Usage; those that were not used are left out."""
    used = asdict(usage).items()
    return {name: count * prices[name] for name, count in used if count}


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What the log of the embedded account says of one row. `writes` counts items, refused too;
    `function_seconds` is the time of all invocations together."""

    writes: float = 0.0
    refused_writes: float = 0.0
    transitions: float = 0.0
    retries: float = 0.0
    invocations: float = 0.0
    function_seconds: float = 0.0
    usage: Usage = Usage()


def count_usage(
    lines: Iterable[Mapping[str, Any]], *, prefixes: tuple[str, ...], since: float, until: float
) -> Counts:
    """What resources whose names begin with one of `prefixes` used in a time (epoch seconds).

    A message is charged with its send, and each invocation by a queue with a receive and a delete:
    the emulator delivers without requests. `transitions` has the retries in it, as AWS bills them.
    """
    mine = [
        line
        for line in lines
        if since <= line["at"] <= until
        and str(line["resource"]).casefold().startswith(tuple(map(str.casefold, prefixes)))
    ]

    def total(service: str, name: str) -> float:
        return sum(float(line.get(name, 0)) for line in mine if line["service"] == service)

    def calls(service: str, *actions: str) -> int:
        return sum(line["service"] == service and line.get("action") in actions for line in mine)

    functions = [str(line["resource"]) for line in mine if line["service"] == "lambda"]
    by_queue = sum("IntakeFunction" in name or "BurstFunction" in name for name in functions)
    sent = calls("sqs", "SendMessage", "SendMessageBatch")
    transitions = total("states", "entered") + total("states", "retries")
    return Counts(
        writes=total("dynamodb", "writes"),
        refused_writes=total("dynamodb", "refused"),
        transitions=transitions,
        retries=total("states", "retries"),
        invocations=len(functions),
        function_seconds=total("lambda", "seconds"),
        usage=Usage(
            lambda_gb_seconds=total("lambda", "gb_seconds"),
            lambda_requests=len(functions),
            state_transitions=transitions,
            write_units=total("dynamodb", "write_units"),
            read_units=total("dynamodb", "read_units"),
            queue_requests=sent + 2 * by_queue,
            events=total("events", "entries"),
            bucket_writes=calls("s3", "PUT", "COPY", "POST", "LIST"),
            bucket_reads=calls("s3", "GET", "HEAD"),
        ),
    )

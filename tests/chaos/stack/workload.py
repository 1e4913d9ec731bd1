"""What is asked of the stack in a run: a seeded mixture, and how each part of it has to end."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.messages import message, pdf_group, visuals_group

COMPLETED, FAILED, CANCELLED = "COMPLETED", "FAILED", "CANCELLED"
_DASHBOARDS = (
    "sales-overview",
    "open-invoices",
    "paid-invoices",
    "customer-statement",
    "product-performance",
    "revenue-by-region",
    "order-details",
    "monthly-report",
)
_USERS = 8
_CUSTOMERS = 500


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How an export may end, and of how many snapshot jobs; `code` is a failed one's reason."""

    ends: frozenset[str] = frozenset({COMPLETED})
    fewest_jobs: int = 1
    most_jobs: int = 1
    code: str | None = None
    files: int = 1


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A message and what its export has to become."""

    body: str
    wanted: Wanted
    export_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Everything of one run.

    `switches` make single jobs fail in QuickSight; `conflicts` are refused once the exports whose
    ids they take were accepted, `refused` at any time.
    """

    asked: Sequence[Asked]
    refused: Sequence[str]
    conflicts: Sequence[str]
    to_cancel: Sequence[str]
    switches: Sequence[Mapping[str, Any]]


_Kind = tuple[str, float, Wanted]
_KINDS: Sequence[_Kind] = (
    ("two-files", 0.08, Wanted(files=2)),
    ("two-parts", 0.04, Wanted(files=2, fewest_jobs=2, most_jobs=2)),
    ("download", 0.06, Wanted()),
    ("user", 0.05, Wanted()),
    ("unnamed", 0.04, Wanted()),
    ("for-good", 0.03, Wanted(ends=frozenset({FAILED}), code="DATASET_DELETED")),
    ("once", 0.03, Wanted(fewest_jobs=2, most_jobs=2)),
    ("cancel", 0.05, Wanted(ends=frozenset({COMPLETED, CANCELLED}), fewest_jobs=0)),
)
"""Kind, share of all exports, and how it ends; the rest is plain."""


def make_workload(exports: int, seed: int) -> Workload:
    """`exports` exports of every kind, and a tenth as many messages to be refused."""
    chance = random.Random(f"{seed}-workload")
    counts = {kind: max(1, round(exports * share)) for kind, share, _ in _KINDS}
    wanted = {kind: each for kind, _, each in _KINDS} | {"plain": Wanted()}
    counts["plain"] = exports - sum(counts.values())
    asked = [
        _ask(kind, number, wanted[kind], chance)
        for kind, count in counts.items()
        for number in range(count)
    ]
    wrong = max(6, exports // 20)
    return Workload(
        asked=asked,
        refused=[_wrong(number) for number in range(wrong)],
        conflicts=[
            json.dumps(message(f"plain-{number:03}", dashboard="board-pack"))
            for number in range(max(1, exports // 100))
        ],
        to_cancel=[f"cancel-{number:03}" for number in range(counts["cancel"])],
        switches=[
            {"kind": "fail_job", "SnapshotJobId": f"{kind}-{number:03}-", "ErrorType": code}
            for kind, code in (("for-good", "DATASET_DELETED"), ("once", "INTERNAL_FAILURE"))
            for number in range(counts[kind])
        ],
    )


def _ask(kind: str, number: int, wanted: Wanted, chance: random.Random) -> Asked:
    export_id = None if kind == "unnamed" else f"{kind}-{number:03}"
    groups = {
        "two-files": [pdf_group(), visuals_group("CSV", "lines")],
        "two-parts": [pdf_group(), pdf_group("details")],
    }
    body = message(
        export_id,
        customer=f"cust-{chance.randrange(_CUSTOMERS) + 1:04}",
        dashboard=chance.choice(_DASHBOARDS),
        groups=groups.get(kind),
        Name=f"{kind}-{number:03}",
    )
    if kind == "download":
        body["SnapshotConfiguration"]["DestinationConfiguration"] = {}
    if kind == "user":
        del body["UserConfiguration"]
        body["RegisteredUser"] = {"UserName": f"manager-{number % _USERS + 1}"}
    return Asked(body=json.dumps(body), wanted=wanted, export_id=export_id)


def _wrong(number: int) -> str:
    """A message that must be refused; no two are equal."""
    name = f"wrong-{number:03}"
    kinds: Sequence[str | dict[str, Any]] = (
        f"this is not JSON: {name}",
        message(name, Colour="red"),
        message(name, dashboard="x" * 513),
        message(name, groups=[visuals_group("CSV", "a", "b")]),
        {"ExportId": name, "DashboardId": "sales-overview"},
        message("../" + name),
    )
    body = kinds[number % len(kinds)]
    return body if isinstance(body, str) else json.dumps(body)

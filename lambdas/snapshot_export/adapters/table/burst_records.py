"""How bursts lie in the table: keys, attributes, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from snapshot_export.adapters.table.dynamodb import Item, Key, update_of
from snapshot_export.adapters.table.record_version import read_record
from snapshot_export.adapters.table.records import (
    nonce_of,
    refusing_what_cannot_be,
)
from snapshot_export.domain.burst import (
    NEWEST_VERSION,
    Burst,
    Refusal,
)
from snapshot_export.domain.export import Export
from snapshot_export.domain.problem import Problem

REFUSED_PREFIX = "REFUSED#"
COUNTS_OF_ENDS = {"COMPLETED": "completed", "FAILED": "failed", "CANCELLED": "cancelled"}
"""The member of a burst that counts each end of an export."""


def burst_key(burst_id: str) -> Key:
    """The burst's record; every end of an export counts there, so it is kept small."""
    return (f"BURST#{burst_id}", "BURST")


def template_key(burst_id: str) -> Key:
    """The burst's template, there until the burst is closed."""
    return (f"BURST#{burst_id}", "TEMPLATE")


def query_key(burst_id: str) -> Key:
    """The query for the burst's recipients, there until the burst is closed."""
    return (f"BURST#{burst_id}", "QUERY")


def retry_key(burst_id: str) -> Key:
    """Which exports the retry under way is of, there until the burst is closed again."""
    return (f"BURST#{burst_id}", "RETRY")


def refusal_key(burst_id: str, line: int) -> Key:
    """A refused recipient."""
    return (f"BURST#{burst_id}", f"{REFUSED_PREFIX}{line:08d}")


def burst_attributes(burst: Burst) -> dict[str, Any]:
    """Attributes of a burst's record; its `version` is the burst's own."""
    return asdict(burst)


def burst_from(item: Item | None) -> Burst | None:
    """The burst of a record; None also for the stump that counts leave of a deleted one.

    Raises NewerRecordError, UnreadableRecordError.
    """
    if item is None or "digest" not in item:
        return None
    with refusing_what_cannot_be("Burst"):
        return read_record({"version": 1} | item | {"nonce": nonce_of(item)}, Burst, NEWEST_VERSION)


def refusal_attributes(refusal: Refusal) -> dict[str, Any]:
    """Attributes of a refused recipient."""
    problems = [{"place": each.place, "rule": each.rule} for each in refusal.problems]
    return {"line": refusal.line, "problems": problems}


def refusal_from(item: Item) -> Refusal:
    """The refused recipient of an item."""
    problems = tuple(Problem(each["place"], each["rule"]) for each in item["problems"])
    return Refusal(line=item["line"], problems=problems)


def count_end(export: Export) -> list[Item]:
    """The write that counts an export's end on its burst, for the transaction that ends it."""
    if export.burst_id is None:
        return []
    name = COUNTS_OF_ENDS[export.status.value]
    return [
        update_of(
            burst_key(export.burst_id),
            f"SET touched_at = :touched ADD {name} :one",
            values={":one": 1, ":touched": export.finished_at},
        )
    ]

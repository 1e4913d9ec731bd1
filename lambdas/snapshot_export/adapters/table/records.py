"""How the domain's records lie in the table: keys, attributes, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from snapshot_export.adapters.table.dynamodb import Item, Key
from snapshot_export.adapters.table.record_version import read_record, with_version
from snapshot_export.domain.backlog import BacklogEntry
from snapshot_export.domain.data_wait import (
    DataWait,
)
from snapshot_export.domain.export import (
    BEFORE_BACKLOG,
    Attempt,
    Export,
    Lease,
)
from snapshot_export.domain.gate import Gate
from snapshot_export.domain.json_text import written
from snapshot_export.errors import UnreadableRecordError

MERGED_VERSION = 2
"""Of the record of an export whose sheets are merged, or that is judged by its rows: older code
would deliver each sheet, or the probe, as a file."""
MAILED_VERSION = 3
"""Of the record of an export whose files are mailed: older code would end it without."""
ZIPPED_VERSION = 4
"""Of the record of an export whose files are also one zip: older code would end it without."""
PROTECTED_VERSION = 5
"""Of the record of an export whose files have a password: older code would write them without."""
ATTEMPT_PREFIX = "ATTEMPT#"
WAITING_VERSION = 2
"""Of the record of an export that waits for data or is held, which older code does not know."""


class Keys:
    """Keys of one gate (a QuickSight account and region) and its exports."""

    def __init__(self, account_id: str, region: str) -> None:
        scope = f"{account_id}#{region}"
        self.gate_partition = f"GATE#{scope}"
        self.backlog_partition = f"BACKLOG#{scope}"
        self.retry_partition = f"RETRY#{scope}"
        self.throughput_partition = f"THROUGHPUT#{scope}"
        self.aside_partition = f"ASIDE#{scope}"
        self.bursts_partition = f"BURSTS#{scope}"
        self.durations_partition = f"DURATIONS#{scope}"
        self.refreshes_partition = f"REFRESHES#{scope}"
        self.security_partition = f"SECURITY#{scope}"
        self.flows_partition = f"FLOWS#{scope}"
        self.waits_partition = f"WAITS#{scope}"
        self.outbox_partition = f"OUTBOX#{scope}"
        self.gate: Key = (self.gate_partition, "GATE")
        self.pacer: Key = (self.gate_partition, "PACER")

    def attempt(self, export_id: str) -> Key:
        """The attempt record: in the gate's partition, so that one read shows all leases."""
        return (self.gate_partition, ATTEMPT_PREFIX + export_id)

    def export(self, export_id: str) -> Key:
        """The export record."""
        return (f"EXPORT#{export_id}", "EXPORT")

    def flow(self, of_class: str) -> Key:
        """How far the single exports of a class have come."""
        return (self.flows_partition, of_class)

    def wait(self, wait: DataWait) -> Key:
        """What is known of all that wait for the same data."""
        return (self.waits_partition, wait.group)

    def waiting(self, wait: DataWait, kind: str, request_id: str) -> Key:
        """One export or burst that waits for it."""
        return (f"{self.waits_partition}#{wait.group}", f"{kind}#{request_id}")

    def new_entry(self, entry: BacklogEntry) -> Key:
        """Where an entry is put: by rank, or a retry entry by the time when it is due."""
        if entry.due_at is None:
            return (self.backlog_partition, entry.rank)
        return (self.retry_partition, f"{due_key(entry.due_at)}#{entry.export_id}")


def due_key(moment: float) -> str:
    """Sort key of a time: milliseconds, zero-padded."""
    return f"{round(moment * 1000):014d}"


def listed_at(accepted_at: float, export_id: str) -> str:
    """Sort key of the indexes that lists are read from: by the time when it was accepted."""
    return f"{due_key(accepted_at)}#{export_id}"


def export_attributes(export: Export) -> dict[str, Any]:
    """Attributes of an export record."""
    data = asdict(export)
    data["snapshot"] = written(export.snapshot)
    data["listed_at"] = listed_at(export.accepted_at, export.export_id)
    if export.password_secret is not None:
        return data | {"version": PROTECTED_VERSION}
    if export.zip:
        return data | {"version": ZIPPED_VERSION}
    if export.mail is not None:
        return data | {"version": MAILED_VERSION}
    if export.merge is not None or export.if_empty is not None:
        return data | {"version": MERGED_VERSION}
    if export.status in BEFORE_BACKLOG:
        return data | {"version": WAITING_VERSION}
    return with_version(data)


def export_from(item: Item) -> Export:
    """The export of a record. Raises NewerRecordError, UnreadableRecordError."""
    with refusing_what_cannot_be("Export"):
        _check_key("Export", item, "pk", "EXPORT#" + item["export_id"])
        own = {"snapshot": json.loads(item["snapshot"]), "nonce": nonce_of(item)}
        return read_record(item | own, Export, PROTECTED_VERSION)


def lease_attributes(leases: Iterable[Lease]) -> list[dict[str, Any]]:
    """The attribute `leases` of an export record."""
    return [asdict(lease) for lease in leases]


def attempt_attributes(attempt: Attempt) -> dict[str, Any]:
    """Attributes of an attempt record."""
    return with_version(asdict(attempt))


def attempt_from(item: Item) -> Attempt:
    """The attempt of a record. Raises NewerRecordError, UnreadableRecordError."""
    attempt = read_record(item, Attempt)
    _check_key("Attempt", item, "sk", ATTEMPT_PREFIX + attempt.export_id)
    return attempt


def stand_in_for(item: Item) -> Attempt:
    """For an attempt that cannot be read: it holds its slot until it is known that it does not."""
    return Attempt(
        export_id=item["sk"].removeprefix(ATTEMPT_PREFIX),
        attempt=0,
        admission=0,
        dashboard_id="",
        snapshot_job_id="",
        admitted_at=0.0,
        start_by=0.0,
        holds_slot=item.get("holds_slot") is not False,
    )


def entry_attributes(entry: BacklogEntry) -> dict[str, Any]:
    """Attributes of a backlog or retry entry."""
    return with_version({**asdict(entry), "key": None})


def entry_from(item: Item) -> BacklogEntry:
    """The entry of a record. Raises NewerRecordError, UnreadableRecordError."""
    with refusing_what_cannot_be("BacklogEntry"):
        own = {"key": (item["pk"], item["sk"]), "nonce": nonce_of(item)}
        entry = read_record(item | own, BacklogEntry)
    _check_key("BacklogEntry", item, "sk", f"{item['sk'].rpartition('#')[0]}#{entry.export_id}")
    return entry


def nonce_of(item: Item) -> str:
    """The nonce of a record. Ids of what older versions accepted go on with the digest's part."""
    return str(item["nonce"] if "nonce" in item else item["digest"][:12])


def gate_from(item: Item | None) -> Gate:
    """The gate; a missing item is a gate where nothing runs. Raises UnreadableRecordError."""
    return read_record(item or {}, Gate)


@contextmanager
def refusing_what_cannot_be(kind: str) -> Iterator[None]:
    """Raise UnreadableRecordError for whatever the reading of a record's parts trips over."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UnreadableRecordError(kind, "content") from None


def _check_key(kind: str, item: Item, name: str, wanted: str) -> None:
    """An id that is not that of the key is of another record, or of none."""
    if item.get(name, wanted) != wanted:
        raise UnreadableRecordError(kind, "export_id")

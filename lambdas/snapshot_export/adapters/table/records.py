"""How the domain's records lie in the table: keys, attributes, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from snapshot_export.adapters.table.dynamodb import Item, Key
from snapshot_export.adapters.table.record_version import known_members, with_version
from snapshot_export.domain.backlog import BacklogEntry
from snapshot_export.domain.data_wait import (
    DataDecision,
    DataSetState,
    DataWait,
    Otherwise,
    Outcome,
    Readiness,
)
from snapshot_export.domain.emptiness import EmptyRule
from snapshot_export.domain.export import (
    BEFORE_BACKLOG,
    Attempt,
    ErrorInfo,
    Export,
    ExportedFile,
    Lease,
    Status,
)
from snapshot_export.domain.gate import Gate
from snapshot_export.domain.json_text import written
from snapshot_export.domain.mail_order import MailOrder
from snapshot_export.domain.merge import Merge
from snapshot_export.domain.security_warning import SecurityWarning
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
    data["files"] = [asdict(file) for file in export.files]
    data["held"] = file_attributes(export.held)
    data["leases"] = lease_attributes(export.leases)
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


def file_attributes(files: Iterable[ExportedFile]) -> list[dict[str, Any]]:
    """The attributes `files` and `held` of an export record."""
    return [asdict(file) for file in files]


def files_from(values: Iterable[dict[str, Any]]) -> tuple[ExportedFile, ...]:
    """The files of such an attribute."""
    return tuple(map(_file_from, values))


def export_from(item: Item) -> Export:
    """The export of a record. Raises NewerRecordError, UnreadableRecordError."""
    with refusing_what_cannot_be("Export"):
        return _export_from(item)


def _export_from(item: Item) -> Export:
    own = {"snapshot": json.loads(item["snapshot"]), "nonce": nonce_of(item)}
    _check_key("Export", item, "pk", "EXPORT#" + item["export_id"])
    return Export(
        **known_members(item | own, Export, PROTECTED_VERSION)
        | {
            "status": Status(item["status"]),
            "files": files_from(item.get("files", [])),
            "mail": _mail_from(item.get("mail")),
            "merge": _merge_from(item.get("merge")),
            "if_empty": _rule_from(item.get("if_empty")),
            "held": files_from(item.get("held", [])),
            "leases": tuple(
                Lease(**known_members(lease, Lease)) for lease in item.get("leases", [])
            ),
            "allows": tuple(item["allows"]) if "allows" in item else None,
            "warnings": warnings_from(item),
            "error": error_from(item.get("error")),
            "ending": Status(item["ending"]) if "ending" in item else None,
            "wait": wait_from(item.get("wait")),
            "data": decision_from(item.get("data")),
        }
    )


def lease_attributes(leases: Iterable[Lease]) -> list[dict[str, Any]]:
    """The attribute `leases` of an export record."""
    return [asdict(lease) for lease in leases]


def attempt_attributes(attempt: Attempt) -> dict[str, Any]:
    """Attributes of an attempt record."""
    return with_version(asdict(attempt))


def attempt_from(item: Item) -> Attempt:
    """The attempt of a record. Raises NewerRecordError, UnreadableRecordError."""
    attempt = Attempt(**known_members(item, Attempt))
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
        own = {"key": None, "nonce": nonce_of(item)}
        members = known_members(item | own, BacklogEntry)
    entry = BacklogEntry(**members | {"key": (item["pk"], item["sk"])})
    _check_key("BacklogEntry", item, "sk", f"{item['sk'].rpartition('#')[0]}#{entry.export_id}")
    return entry


def nonce_of(item: Item) -> str:
    """The nonce of a record. Ids of what older versions accepted go on with the digest's part."""
    return str(item["nonce"] if "nonce" in item else item["digest"][:12])


def gate_from(item: Item | None) -> Gate:
    """The gate; a missing item is a gate where nothing runs. Raises UnreadableRecordError."""
    return Gate(**known_members(item or {}, Gate))


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


def error_from(value: dict[str, str] | None) -> ErrorInfo | None:
    """The attribute `error` of a record."""
    return ErrorInfo(value["code"], value.get("message", "")) if value else None


def warnings_from(item: Item) -> tuple[SecurityWarning, ...]:
    """The attribute `warnings` of a record."""
    return tuple(
        SecurityWarning(**known_members(each, SecurityWarning)) for each in item.get("warnings", [])
    )


def _rule_from(value: dict[str, Any] | None) -> EmptyRule | None:
    return EmptyRule(**known_members(value, EmptyRule)) if value else None


def _merge_from(value: dict[str, Any] | None) -> Merge | None:
    if not value:
        return None
    members = known_members(value, Merge)
    return Merge(**members | {"titles": tuple(members["titles"])})


def _mail_from(value: dict[str, Any] | None) -> MailOrder | None:
    if not value:
        return None
    members = known_members(value, MailOrder)
    return MailOrder(**members | {"to": tuple(members["to"])})


def wait_from(value: dict[str, Any] | None) -> DataWait | None:
    """The attribute `wait` of a record."""
    if value is None:
        return None
    members = known_members(value, DataWait)
    return DataWait(
        **members
        | {"data_sets": tuple(value["data_sets"]), "otherwise": Otherwise(value["otherwise"])}
    )


def decision_from(value: dict[str, Any] | None) -> DataDecision | None:
    """The attribute `data` of a record."""
    if value is None:
        return None
    states = tuple(
        DataSetState(
            **known_members(each, DataSetState) | {"readiness": Readiness(each["readiness"])}
        )
        for each in value.get("data_sets", [])
    )
    return DataDecision(
        **known_members(value, DataDecision)
        | {"outcome": Outcome(value["outcome"]), "data_sets": states}
    )


def _file_from(value: dict[str, Any]) -> ExportedFile:
    return ExportedFile(
        **known_members(value, ExportedFile) | {"error": error_from(value.get("error"))}
    )

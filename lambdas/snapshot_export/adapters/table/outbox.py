"""The outbox of a target's exports: a record for each mail, beside its export's, and an entry for
each one that something is still to be done for, by when a sweep shall look at it.

An entry is removed last, after what became of the mail was announced: a sweep finds what a dead
function left, whatever it left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from snapshot_export.adapters.table.dynamodb import (
    Item,
    Key,
    Table,
    assigning,
    delete_of,
    put_of,
    update_of,
)
from snapshot_export.adapters.table.links import link_writes
from snapshot_export.adapters.table.record_version import read_record, with_version
from snapshot_export.adapters.table.records import (
    Keys,
    refusing_what_cannot_be,
)
from snapshot_export.domain.delivery import (
    Delivery,
    entry_key,
    export_id_of,
)
from snapshot_export.domain.link import Link
from snapshot_export.errors import ConditionFailedError

_PREFIX = "MAIL#"
_CHANGING = (
    "status",
    "attempt",
    "doubted_attempt",
    "sending_at",
    "sent_at",
    "changed_at",
    "message_id",
    "is_attached",
    "sent_again",
    "link_ids",
    "error",
)


@dataclass(frozen=True)
class OpenEntry:
    """An entry of a mail, and where it lies."""

    delivery_id: str
    key: Key


class Outbox:
    """The mails of the exports of one gate."""

    def __init__(self, table: Table, keys: Keys) -> None:
        self._table = table
        self._keys = keys

    def find(self, delivery_id: str) -> Delivery | None:
        """The record, or None. Raises NewerRecordError, UnreadableRecordError."""
        item = self._table.get(_key_of(self._keys, delivery_id))
        return _delivery_from(item) if item else None

    def of_export(self, export_id: str) -> list[Delivery]:
        """The mails of an export, of all its revisions; one that cannot be read is reported."""
        found = self._table.query(self._keys.export(export_id)[0], prefix=_PREFIX)
        return list(self._table.readable(found, _delivery_from))

    def due(self, now: float, most: int) -> Iterator[OpenEntry]:
        """Up to `most` of those whose time has come, those first that waited longest."""
        partition = self._keys.outbox_partition
        for item in self._table.query(partition, up_to=entry_key(now, "~"), limit=most):
            yield OpenEntry(item["sk"].partition("#")[2], (item["pk"], item["sk"]))

    def change(self, seen: Delivery, after: Delivery) -> None:
        """Write what has changed. Raises ConditionFailedError if it is not as it was seen."""
        self._table.update(_change_of(self._keys, seen, after))

    def begin(
        self, seen: Delivery, sending: Delivery, links: Sequence[Link], expires_at: int
    ) -> None:
        """Write that it is being sent, and the links that this attempt brings.

        Raises ConditionFailedError as `change` does, and if its links were revoked meanwhile.
        """
        if not links:
            self.change(seen, sending)
            return
        may_bring = " AND attribute_not_exists(links_revoked_at)"
        change = _change_of(self._keys, seen, sending, and_if=may_bring)
        self._table.transact([change, *link_writes(links, expires_at)])

    def forbid_links(self, delivery_id: str, now: float) -> Delivery | None:
        """Have no further attempt bring links; answers the record, with all links so far, or None
        if it is gone."""
        try:
            item = self._table.update(
                update_of(
                    _key_of(self._keys, delivery_id),
                    "SET links_revoked_at = if_not_exists(links_revoked_at, :now)",
                    condition="attribute_exists(pk)",
                    values={":now": now},
                )
            )
        except ConditionFailedError:
            return None
        return _delivery_from(item)

    def allow_links(self, delivery_id: str) -> None:
        """Have the next attempt bring links again."""
        self._table.update(
            update_of(
                _key_of(self._keys, delivery_id),
                "REMOVE links_revoked_at",
                condition="attribute_exists(pk)",
                values={},
            )
        )

    def postpone(self, seen: Delivery, after: Delivery, due_at: float) -> Delivery:
        """Write what has changed, and have a sweep look at it at `due_at`; answers the record.

        Raises ConditionFailedError as `change` does.
        """
        moved = replace(after, entry_key=entry_key(due_at, after.delivery_id))
        writes = [_change_of(self._keys, seen, moved)]
        if moved.entry_key != seen.entry_key:
            writes.append(delete_of((self._keys.outbox_partition, seen.entry_key)))
            writes.append(put_of((self._keys.outbox_partition, moved.entry_key), {}))
        self._table.transact(writes)
        return moved

    def is_open(self, delivery: Delivery) -> bool:
        """Whether something is left to be done for it."""
        return self._table.get((self._keys.outbox_partition, delivery.entry_key)) is not None

    def close(self, delivery: Delivery) -> None:
        """Nothing is left to be done for it."""
        self._table.write(delete_of((self._keys.outbox_partition, delivery.entry_key)))

    def drop(self, entry: OpenEntry) -> None:
        """Remove an entry whose record is gone, or that is not its record's."""
        self._table.write(delete_of(entry.key))


def outbox_writes(keys: Keys, deliveries: Sequence[Delivery], expires_at: int) -> list[Item]:
    """The writes that put mails into the outbox, for the transaction that ends their export."""
    writes = []
    for each in deliveries:
        attributes = _attributes(each) | {"expires_at": expires_at}
        writes += [
            put_of(
                _key_of(keys, each.delivery_id),
                attributes,
                condition="attribute_not_exists(pk)",
            ),
            put_of((keys.outbox_partition, each.entry_key), {}),
        ]
    return writes


def _key_of(keys: Keys, delivery_id: str) -> Key:
    return (keys.export(export_id_of(delivery_id))[0], _PREFIX + delivery_id)


def _attributes(delivery: Delivery) -> dict[str, Any]:
    """Without `listed_at`, so that it is in no index: lists show exports."""
    return with_version(asdict(delivery))


def _delivery_from(item: Item) -> Delivery:
    with refusing_what_cannot_be("Delivery"):
        return read_record(item, Delivery)


def _change_of(keys: Keys, seen: Delivery, after: Delivery, *, and_if: str = "") -> Item:
    data = {name: getattr(after, name) for name in (*_CHANGING, "entry_key")}
    data["error"] = asdict(after.error) if after.error else None
    data["link_ids"] = list(after.link_ids) or None
    expression, values = assigning(data)
    return update_of(
        _key_of(keys, after.delivery_id),
        expression,
        condition="#status = :seen_status AND attempt = :seen_attempt AND #entry_key = :seen_key"
        + and_if,
        values=values
        | {
            ":seen_status": seen.status,
            ":seen_attempt": seen.attempt,
            ":seen_key": seen.entry_key,
        },
    )

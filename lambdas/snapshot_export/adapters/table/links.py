"""Links in mails: a record for each, found by its token's hash, in a partition of its own.

Whoever opens links may read and change records of such partitions only (infra/grants.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from snapshot_export.adapters.table.dynamodb import Item, Key, Table, put_of, update_of
from snapshot_export.adapters.table.record_version import read_record, with_version
from snapshot_export.adapters.table.records import refusing_what_cannot_be
from snapshot_export.domain.link import Link
from snapshot_export.errors import ConditionFailedError

LINK_PREFIX = "LINK#"
_BATCH = 100


class Links:
    """The links of all mails, of whatever target their exports are."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, link_id: str) -> Link | None:
        """The record, or None. Raises NewerRecordError, UnreadableRecordError."""
        item = self._table.get(_key_of(link_id))
        return _link_from(item) if item else None

    def of(self, link_ids: Sequence[str]) -> list[Link]:
        """Those that are there, in no order; one that cannot be read is reported."""
        found: list[Link] = []
        for start in range(0, len(link_ids), _BATCH):
            items = self._table.get_many([_key_of(each) for each in link_ids[start:][:_BATCH]])
            found += self._table.readable(items, _link_from)
        return found

    def count_opening(self, link_id: str, now: float) -> bool:
        """Note that it was opened; False if it is gone, or revoked since it was read."""
        try:
            self._table.update(
                update_of(
                    _key_of(link_id),
                    "SET last_opened_at = :now, "
                    "first_opened_at = if_not_exists(first_opened_at, :now) ADD opened :one",
                    condition="attribute_exists(pk) AND attribute_not_exists(revoked_at)",
                    values={":now": now, ":one": 1},
                )
            )
        except ConditionFailedError:
            return False
        return True

    def revoke(self, link_id: str, now: float) -> bool:
        """Have it open nothing any more; False if it is gone, or was revoked before."""
        try:
            self._table.update(
                update_of(
                    _key_of(link_id),
                    "SET revoked_at = :now",
                    condition="attribute_exists(pk) AND attribute_not_exists(revoked_at)",
                    values={":now": now},
                )
            )
        except ConditionFailedError:
            return False
        return True


def link_writes(links: Sequence[Link], expires_at: int) -> list[Item]:
    """The writes that make links, for the transaction that says that their mail is being sent."""
    return [
        put_of(
            _key_of(each.link_id),
            with_version(asdict(each)) | {"expires_at": expires_at},
            condition="attribute_not_exists(pk)",
        )
        for each in links
    ]


def _key_of(link_id: str) -> Key:
    return (LINK_PREFIX + link_id, "LINK")


def _link_from(item: Item) -> Link:
    with refusing_what_cannot_be("Link"):
        return read_record(item, Link)

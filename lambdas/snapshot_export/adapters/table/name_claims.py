"""Who has which object of the export buckets: a key is claimed before anything is written to it."""

from __future__ import annotations

from hashlib import sha256

from snapshot_export.adapters.table.dynamodb import Key, Table, put_of
from snapshot_export.domain.naming import fold
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.errors import ConditionFailedError


class NameClaims:
    """Objects, each with the file that owns it.

    A claim is one of all addresses that fold to the same: what would be one file on a
    case-insensitive or normalizing disk is one claim. It is kept until its `expires_at`, which the
    claimant puts behind the object's own end.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, place: ObjectAddress, owner: str, expires_at: int, *, is_taken: bool) -> bool:
        """Take an object for a file. True if it has it, now or before; False if another has it.

        Of an object that `is_taken` only its owner's claim is renewed.
        """
        condition = "claimed_by = :owner"
        put = put_of(
            claim_key(place),
            {"claimed_by": owner, "expires_at": expires_at},
            condition=condition if is_taken else f"attribute_not_exists(pk) OR {condition}",
            values={":owner": owner},
        )
        try:
            self._table.write(put)
        except ConditionFailedError:
            return False
        return True

    def owner_of(self, place: ObjectAddress) -> str | None:
        """The file that has the object, or None."""
        item = self._table.get(claim_key(place))
        return item["claimed_by"] if item else None

    def older_claimant(self, burst_id: str, key: str) -> str | None:
        """The export that has a key of a burst by a claim of an older version, or None."""
        item = self._table.get((f"NAMES#{burst_id}", key))
        return item["export_id"] if item else None


def claim_key(place: ObjectAddress) -> Key:
    """Key of a claim: a digest, since a folded key may be longer than a key of DynamoDB's."""
    return (f"OBJECT#{sha256(fold(str(place)).encode()).hexdigest()}", "CLAIM")

"""Who has which name in a burst: recipients are collected at the same time and may share one."""

from __future__ import annotations

from snapshot_export.adapters.dynamodb import Table, put_of
from snapshot_export.errors import ConditionFailedError


class NameClaims:
    """Object keys of a burst's files, each with the export that has it."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, burst_id: str, key: str, export_id: str, expires_at: int) -> bool:
        """Take a key for an export. True if it has it, now or before; False if another has it."""
        put = put_of(
            (f"NAMES#{burst_id}", key),
            {"export_id": export_id, "expires_at": expires_at},
            condition="attribute_not_exists(pk) OR export_id = :id",
            values={":id": export_id},
        )
        try:
            self._table.write(put)
        except ConditionFailedError:
            return False
        return True

"""The row-level security that was read of dashboards, for all functions to use for a short time.

One record for each dashboard; the last to write it wins. A slow reader may write an older reading
over a newer one: its time goes with it, so it is used no longer than any other.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from snapshot_export.adapters.table.dynamodb import Key, Table, put_of
from snapshot_export.adapters.table.records import Keys
from snapshot_export.domain.row_level_security import (
    DashboardSecurity,
    DataSetSecurity,
    TagRule,
    TagRules,
)

MAX_CHARACTERS = 350_000
"""An item takes 400 KB."""
EXPIRES_AFTER_SECONDS = 86_400
"""When a record that nobody uses any more leaves the table."""


class SecurityCache:
    """What was read of the dashboards of one gate."""

    def __init__(self, table: Table, keys: Keys) -> None:
        self._table = table
        self._partition = keys.security_partition

    def find(self, dashboard_id: str) -> DashboardSecurity | None:
        """The last reading, however old, or None. Raises TransientError."""
        item = self._table.get(self._key(dashboard_id))
        return _security_from(json.loads(item["security"])) if item else None

    def keep(self, dashboard_id: str, security: DashboardSecurity) -> None:
        """Write a reading in which everything was read; a huge one is not kept. TransientError."""
        attributes: dict[str, Any] = {
            "security": json.dumps(asdict(security)),
            "expires_at": int(security.read_at) + EXPIRES_AFTER_SECONDS,
        }
        if len(attributes["security"]) <= MAX_CHARACTERS:
            self._table.write(put_of(self._key(dashboard_id), attributes))

    def _key(self, dashboard_id: str) -> Key:
        return (self._partition, dashboard_id)


def _security_from(data: dict[str, Any]) -> DashboardSecurity:
    return DashboardSecurity(
        read_at=data["read_at"],
        data_sets=tuple(
            DataSetSecurity(
                data_set_id=each["data_set_id"],
                tag_rules=tuple(map(_rules_from, each["tag_rules"])),
            )
            for each in data["data_sets"]
        ),
    )


def _rules_from(data: dict[str, Any]) -> TagRules:
    return TagRules(
        rules=tuple(TagRule(**rule) for rule in data["rules"]),
        configurations=tuple(map(tuple, data["configurations"])),
    )

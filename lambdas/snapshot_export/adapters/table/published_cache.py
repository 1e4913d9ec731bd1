"""What was read of dashboards as they are published, for all functions to use for a short time.

One record for each dashboard; the last to write it wins. A slow reader may write an older reading
over a newer one: its time goes with it, so it is used no longer than any other. Records of
versions before have the row-level security alone.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from snapshot_export.adapters.table.dynamodb import Key, Table, put_of
from snapshot_export.adapters.table.record_version import read_part
from snapshot_export.adapters.table.records import Keys
from snapshot_export.domain.dashboard import (
    Published,
)

MAX_CHARACTERS = 350_000
"""An item takes 400 KB."""
EXPIRES_AFTER_SECONDS = 86_400
"""When a record that nobody uses any more leaves the table."""


class PublishedCache:
    """What was read of the dashboards of one gate."""

    def __init__(self, table: Table, keys: Keys) -> None:
        self._table = table
        self._partition = keys.security_partition

    def find(self, dashboard_id: str) -> Published | None:
        """The last reading, however old, or None. Raises TransientError."""
        item = self._table.get(self._key(dashboard_id))
        if item is None:
            return None
        contents = json.loads(item.get("contents", "{}"))
        return read_part({"security": json.loads(item["security"])} | contents, Published)

    def keep(self, dashboard_id: str, found: Published) -> None:
        """Write a reading in which all row-level security was read; parameters go without defaults,
        and a huge reading is not kept. Raises TransientError."""
        definition = found.definition.without_values if found.definition else None
        contents = {
            "version": asdict(found.version) if found.version else None,
            "definition": asdict(definition) if definition else None,
            "unread": asdict(found.unread) if found.unread else None,
        }
        attributes: dict[str, Any] = {
            "security": json.dumps(asdict(found.security)),
            "contents": json.dumps(contents),
            "expires_at": int(found.security.read_at) + EXPIRES_AFTER_SECONDS,
        }
        if len(attributes["security"]) + len(attributes["contents"]) <= MAX_CHARACTERS:
            self._table.write(put_of(self._key(dashboard_id), attributes))

    def _key(self, dashboard_id: str) -> Key:
        return (self._partition, dashboard_id)

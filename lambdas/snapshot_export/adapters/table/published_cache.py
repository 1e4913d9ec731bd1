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
from snapshot_export.adapters.table.records import Keys
from snapshot_export.domain.dashboard import (
    Definition,
    Parameter,
    Published,
    Sheet,
    Version,
    Visual,
)
from snapshot_export.domain.row_level_security import (
    DashboardSecurity,
    DataSetSecurity,
    TagRule,
    TagRules,
    Unreadable,
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
        return Published(
            security=_security_from(json.loads(item["security"])),
            version=_version_from(contents["version"]) if contents.get("version") else None,
            definition=_definition_from(contents["definition"])
            if contents.get("definition")
            else None,
            unread=Unreadable(**contents["unread"]) if contents.get("unread") else None,
        )

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


def _version_from(data: dict[str, Any]) -> Version:
    sheets = tuple(map(_sheet_from, data["sheets"]))
    return Version(**{**data, "sheets": sheets, "data_set_ids": tuple(data["data_set_ids"])})


def _definition_from(data: dict[str, Any]) -> Definition:
    return Definition(
        version=data["version"],
        sheets=tuple(map(_sheet_from, data["sheets"])),
        parameters=tuple(
            Parameter(**{**each, "defaults": tuple(each["defaults"])})
            for each in data["parameters"]
        ),
    )


def _sheet_from(data: dict[str, Any]) -> Sheet:
    return Sheet(**{**data, "visuals": tuple(Visual(**each) for each in data["visuals"])})

"""The version of records: what is written into each, and what may be read.

A member that older code can ignore, with a default where it is missing, changes no version: both
codes read both records, as they must while a deployment replaces one function after the other. The
version goes up when older code would take a record for something else. Then older code refuses it
here, before it acts on it, and what it was asked to do is tried again until newer code does it
(docs/decisions, 11).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from snapshot_export.errors import NewerRecordError

RECORD_VERSION = 1


def with_version(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as they are written."""
    return {**attributes, "version": RECORD_VERSION}


def known_members(
    record: Mapping[str, Any], kind: type, newest: int = RECORD_VERSION
) -> dict[str, Any]:
    """The members of a record, or a part of one, that a dataclass has; others are left out.

    Raises NewerRecordError for a version above `newest`, which a kind of record may have of its
    own. A record without a version is of version 1.
    """
    version = int(record.get("version", 1))
    if version > newest:
        raise NewerRecordError(kind.__name__, version, newest)
    fields = kind.__dataclass_fields__  # type: ignore[attr-defined]
    return {name: record[name] for name in fields if name in record}

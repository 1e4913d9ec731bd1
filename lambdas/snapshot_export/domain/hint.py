"""A hint: S3 says that an object came to where QuickSight writes for one export.

Files come to the bucket shortly before their job ends [? files-before-end], so an object says when
to ask, and nothing more: QuickSight's answer alone says that a job ended. Notifications come late,
twice, in any order or never, and others may write objects; none of that changes anything but when
QuickSight is asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from snapshot_export.domain.naming import raw_prefix
from snapshot_export.domain.parts import formats_of, snapshot_of_part
from snapshot_export.domain.prefixes import SNAPSHOTS_PREFIX

MISSED_AT_MOST = 3
"""After this many jobs in a row of which no hint came before their end was seen, hints are not
waited for until the next one comes."""
ASK_SECONDS = 20.0
"""How long one hint is followed up: longer than files are there before their job's end."""
FIRST_PAUSE, PAUSE_GROWTH = 0.4, 1.1
"""Between questions about a job whose files are there."""


@dataclass(frozen=True, kw_only=True)
class Hint:
    """An object `key` of `bucket`, of the export and nonce, written at `written_at` (epoch
    seconds, in whole ones)."""

    bucket: str
    key: str
    export_id: str
    nonce: str
    written_at: float

    @property
    def folder(self) -> str:
        """Where all files of the export come."""
        return raw_prefix(self.export_id, self.nonce)


def hint_of(bucket: str, key: str, written_at: float) -> Hint | None:
    """The hint that an object is; None for one that is not of an export."""
    parts = key.removeprefix(SNAPSHOTS_PREFIX).split("/")
    if not key.startswith(SNAPSHOTS_PREFIX) or len(parts) != 3 or not all(parts):
        return None
    export_id, nonce, _ = parts
    return Hint(bucket=bucket, key=key, export_id=export_id, nonce=nonce, written_at=written_at)


def expected_files(snapshot: Mapping[str, Any], part: int, export_id: str, nonce: str) -> int:
    """How many objects under the export's raw prefix its job makes; 0 if it writes elsewhere, of
    which no hint comes."""
    configuration = snapshot["SnapshotConfiguration"].get("DestinationConfiguration", {})
    prefixes = [
        destination["BucketConfiguration"]["BucketPrefix"]
        for destination in configuration.get("S3Destinations") or ()
    ]
    folder = raw_prefix(export_id, nonce)
    if not nonce or not any(f"{each.rstrip('/')}/" == folder for each in prefixes):
        return 0
    return len(formats_of(snapshot_of_part(dict(snapshot), part)))


def is_written_since(written_at: float, started_at: float) -> bool:
    """Whether an object is of the job that was started then, and not of one before it."""
    return written_at >= math.floor(started_at)


def have_all_come(written: Iterable[float], started_at: float, files: int) -> bool:
    """Whether as many objects as the job makes were written since it was started."""
    return sum(is_written_since(each, started_at) for each in written) >= files


def pauses() -> Iterable[float]:
    """Seconds between the questions that follow a hint, ASK_SECONDS of them in all."""
    pause, total = FIRST_PAUSE, 0.0
    while total + pause <= ASK_SECONDS:
        yield pause
        total += pause
        pause *= PAUSE_GROWTH


def trusts_hints(missed: int | None) -> bool:
    """Whether hints are waited for: `missed` as the gate has it, None before the first came."""
    return missed is not None and missed < MISSED_AT_MOST

"""Mutants of more than one place, or of a meaning, that no operator makes: planted by text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

STORE = "lambdas/snapshot_export/adapters/table/store.py"
START = "lambdas/snapshot_export/flows/export/start.py"


@dataclass(frozen=True)
class Named:
    """One mutant. `old` is there exactly once."""

    name: str
    file: str
    old: str
    new: str

    def changed(self, root: Path) -> str:
        """The file's source with the change. Raises ValueError if `old` is not there once."""
        source = (root / self.file).read_text()
        if source.count(self.old) != 1:
            raise ValueError(f"{self.name}: its text is there {source.count(self.old)} times")
        return source.replace(self.old, self.new)


NAMED = (
    Named(
        "hand_back without holds_slot",
        STORE,
        "self._delete_attempt(attempt, holds_slot=True)",
        "delete_of(self._keys.attempt(attempt.export_id))",
    ),
    Named(
        "admission not conditional on the ceiling seen",
        STORE,
        '_JUDGED = ("limit", "reserved", "ceiling", "paused_until")',
        '_JUDGED = ("limit", "reserved", "paused_until")',
    ),
    Named(
        "an adopted job's started_at is now",
        START,
        'return _started(services, calling, job.created_at, "adopted")',
        'return _started(services, calling, services.now(), "adopted")',
    ),
)
"""Those of the eight that outlived every suite once, and that are not made by an operator."""

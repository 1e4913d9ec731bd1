"""A deliberate bug: exact replacements in the product's text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ADAPTERS = "lambdas/snapshot_export/adapters"
FLOWS = "lambdas/snapshot_export/flows"
DOMAIN = "lambdas/snapshot_export/domain"


@dataclass(frozen=True)
class Bug:
    """One bug. `edits`: file, text that must be there exactly once, text in its place."""

    name: str
    edits: tuple[tuple[str, str, str], ...]

    def plant(self, root: Path) -> None:
        """Change the copy under `root`; raises ValueError if the text is not there once."""
        for file, old, new in self.edits:
            path = root / file
            text = path.read_text()
            if text.count(old) != 1:
                raise ValueError(f"{self.name}: {file} has its text {text.count(old)} times")
            path.write_text(text.replace(old, new))

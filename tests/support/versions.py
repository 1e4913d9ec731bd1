"""Other versions of the project, in folders of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

from local.deployment import PROJECT_ROOT


def copy_project(folder: Path) -> Path:
    """What is deployed, to be changed there; answers the folder."""
    for name in ("infra", "lambdas", "local", "statemachine", "schedules"):
        shutil.copytree(
            PROJECT_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("app.py", "cdk.json", "pyproject.toml"):
        shutil.copy(PROJECT_ROOT / name, folder / name)
    return folder


def replace_in(path: Path, old: str, new: str) -> None:
    """Replace a text that the file has once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} has {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")

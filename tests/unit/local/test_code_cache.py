"""Function code in the embedded account's cache: what is in use stays, whatever the clock says."""

import io
import os
import zipfile
from pathlib import Path

import time_machine

from local.account.code_cache import extract_once

DAY = 24 * 3600


def code(text: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("module.py", text)
    return archive.getvalue()


def test_code_that_was_used_lately_stays_for_servers_whose_clock_is_another(tmp_path: Path) -> None:
    used = extract_once(code("a = 1"), tmp_path)
    with time_machine.travel("2031-01-01T00:00:00Z"):
        other = extract_once(code("a = 2"), tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == {used.name, other.name}
    assert (used / "module.py").read_text() == "a = 1"


def test_code_that_nobody_used_for_a_day_is_removed(tmp_path: Path) -> None:
    old = extract_once(code("a = 1"), tmp_path)
    before = old.stat().st_mtime - 2 * DAY
    os.utime(old, (before, before))
    extract_once(code("a = 2"), tmp_path)
    assert not old.exists()

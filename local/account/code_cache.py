"""Function code, unpacked and compiled once for all workers, servers and runs."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

_UNUSED_SECONDS = 24 * 3600


def extract_once(code_zip: bytes, cache: Path) -> Path:
    """The folder in `cache` with the content of a zip, made if it is not there; atomic."""
    target = cache / hashlib.sha256(code_zip).hexdigest()[:32]
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=cache))
        _remove_unused(cache, draft.stat().st_mtime)
        with zipfile.ZipFile(io.BytesIO(code_zip)) as archive:
            archive.extractall(draft)
        subprocess.run([sys.executable, "-m", "compileall", "-q", "-j2", draft], check=False)
        try:
            draft.rename(target)
        except OSError:  # another server was faster
            shutil.rmtree(draft, ignore_errors=True)
    os.utime(target)
    return target


def _remove_unused(cache: Path, now: float) -> None:
    """`now` is by the file system's clock, which may not be this process'."""
    for folder in cache.iterdir():
        with suppress(FileNotFoundError):  # another server's draft has got its name
            if folder.stat().st_mtime < now - _UNUSED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)

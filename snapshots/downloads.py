"""Finished files, brought to a folder: `DIR/<ExportId>/<name of the file, with its folders>`.

Nothing that is there is overwritten: a name that a different file has, in whatever case, is
numbered (`report-2.pdf`). What a file system cannot hold becomes `_`: see disk_name.
"""

from __future__ import annotations

import filecmp
import os
import re
import threading
import unicodedata
import urllib.request
import uuid
from collections.abc import Collection, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from snapshot_export.domain.object_address import ObjectAddress
from snapshots.errors import UnreachableError, UsageError

_CHUNK = 1 << 20
MAX_NAME_BYTES = 240
"""File systems take 255 bytes or UTF-16 units; the rest is for numbers."""
_UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?")
"""Names of devices of Windows, with any suffix (Microsoft Learn, "Naming Files, Paths")."""
_settling = threading.Lock()


def download_files(export: Mapping[str, Any], folder: Path) -> list[Path]:
    """Bring the files of a completed export; a file is there whole or not at all.

    Their addresses work for minutes only. Raises UnreachableError at the first file that cannot be
    brought, UsageError if `folder` cannot be written.
    """
    paths: list[Path] = []
    for number, file in enumerate(export.get("Files") or (), start=1):
        if file.get("DownloadUrl"):
            segments = [disk_name(export["ExportId"]), *_segments_of(file, number)]
            paths.append(_download(file, folder, segments, paths))
    return paths


def download_records(burst: Mapping[str, Any], folder: Path) -> list[Path]:
    """Bring manifest.json and report.html of a burst that ended to `DIR/<BurstId>/`.

    Errors as above.
    """
    paths: list[Path] = []
    for kind in ("Manifest", "Report"):
        if url := burst.get(f"{kind}DownloadUrl"):
            name = ObjectAddress.parse(burst[f"{kind}S3Uri"]).key.rpartition("/")[2]
            segments = [disk_name(burst["BurstId"]), name]
            paths.append(_download({"DownloadUrl": url}, folder, segments, ()))
    return paths


def place_of(uri: str) -> list[str]:
    """Names of folders and file, on a disk, for an object `exports/<id>/<name>`.

    Of any other object it is the last part of the key.
    """
    parts = ObjectAddress.parse(uri).key.split("/")
    return [disk_name(segment) for segment in parts[2:] or parts[-1:]]


def disk_name(segment: str) -> str:
    """A segment of a key as a name that Windows, macOS and Linux take.

    What none or not all of them take becomes `_`: `< > : " / \\ | ? *`, control and format
    characters, dots and spaces at the end; `_` is put before a device's name. At most
    MAX_NAME_BYTES, the suffix kept.
    """
    kept = "".join(
        "_" if each in '<>:"/\\|?*' or unicodedata.category(each) in _UNPRINTABLE else each
        for each in segment
    )
    if len(kept.encode()) > MAX_NAME_BYTES:
        suffix = Path(kept).suffix.encode()[-20:]
        cut = kept.encode()[: MAX_NAME_BYTES - len(suffix)] + suffix
        kept = cut.decode(errors="ignore")
    stem = kept.rstrip(". ")
    kept = stem + "_" * (len(kept) - len(stem))
    return f"_{kept}" if not kept or _RESERVED.fullmatch(kept) else kept


def _segments_of(file: Mapping[str, Any], number: int) -> list[str]:
    """The file's name as the user chose it, or its place in the export."""
    try:
        segments = place_of(str(file.get("S3Uri") or ""))
    except ValueError:
        segments = []
    return segments or [f"{number}.{str(file.get('FormatType', '')).lower()}"]


def _download(
    file: Mapping[str, Any], folder: Path, segments: list[str], taken: Collection[Path]
) -> Path:
    name = segments[-1]
    draft: Path | None = None
    try:
        *folders, own = (_as_utf8(segment) for segment in segments)
        folder = _make_folders(folder, folders)
        draft = folder / f".{uuid.uuid4().hex}.part"
        with draft.open("xb") as out:
            size = _copy(file["DownloadUrl"], out)
        if file.get("Size") is not None and size != file["Size"]:
            raise UnreachableError(f"{name} came with {size} bytes, not {file['Size']}")
        return _settle(draft, folder / own, taken)
    except URLError as error:
        raise UnreachableError(f"cannot download {name}: {error.reason}") from None
    except OSError as error:
        raise UsageError(f"cannot write {folder / name}: {error.strerror or error}") from None
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)


def _as_utf8(name: str) -> str:
    """The name that is UTF-8 on the disk whatever the locale, and so one that C's ASCII takes."""
    return os.fsdecode(name.encode())


def _make_folders(folder: Path, names: list[str]) -> Path:
    """The folder of these names, which are numbered where a file has them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        for candidate in _numbered(folder / name):
            if candidate.is_dir() or not candidate.exists():
                folder = candidate
                folder.mkdir(exist_ok=True)
                break
    return folder


def _settle(draft: Path, path: Path, taken: Collection[Path]) -> Path:
    """Name the draft; answers its path, or that of the same file that is there from before."""
    with _settling:
        for candidate in _numbered(path):
            found = _namesake(candidate)
            if found is None and _name(draft, candidate):
                return candidate
            is_same = found == candidate and candidate not in taken and candidate.is_file()
            if is_same and filecmp.cmp(draft, candidate, shallow=False):
                return candidate
    raise AssertionError("numbers do not end")


def _name(draft: Path, path: Path) -> bool:
    """Give the draft its name. False if something has it meanwhile."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        try:
            path.open("xb").close()
        except FileExistsError:
            return False
        draft.replace(path)
    return True


def _namesake(path: Path) -> Path | None:
    """What has this name on a file system that knows neither case nor normalization."""
    folded = _fold(path.name)
    return next((each for each in path.parent.iterdir() if _fold(each.name) == folded), None)


def _fold(name: str) -> str:
    text = os.fsencode(name).decode(errors="surrogateescape")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def _numbered(path: Path) -> Iterator[Path]:
    yield path
    yield from (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))


def _copy(url: str, out: Any) -> int:
    if urlsplit(url).scheme not in ("https", "http"):
        raise UnreachableError("a download address must be http or https")
    size = 0
    with urllib.request.urlopen(url, timeout=60) as answer:
        while chunk := answer.read(_CHUNK):
            out.write(chunk)
            size += len(chunk)
    return size

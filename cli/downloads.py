"""Finished files, brought to a folder: `DIR/<ExportId>/<file name>`."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from cli.errors import UnreachableError, UsageError

_CHUNK = 1 << 20


def download_files(export: Mapping[str, Any], folder: Path) -> list[Path]:
    """Bring the files of a completed export; a file is there whole or not at all.

    Their addresses work for minutes only. Raises UnreachableError at the first file that cannot be
    brought, UsageError if `folder` cannot be written.
    """
    paths: list[Path] = []
    for number, file in enumerate(export.get("Files") or (), start=1):
        if file.get("DownloadUrl"):
            path = folder / _safe(export["ExportId"]) / _name_of(file, number)
            path = path if path not in paths else path.with_name(f"{number}-{path.name}")
            paths.append(_download(file, path))
    return paths


def _download(file: Mapping[str, Any], path: Path) -> Path:
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as out:
            size = _copy(file["DownloadUrl"], out)
        if file.get("Size") is not None and size != file["Size"]:
            raise UnreachableError(f"{path.name} came with {size} bytes, not {file['Size']}")
        draft.replace(path)
    except URLError as error:
        raise UnreachableError(f"cannot download {path.name}: {error.reason}") from None
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        draft.unlink(missing_ok=True)
    return path


def _copy(url: str, out: Any) -> int:
    if urlsplit(url).scheme not in ("https", "http"):
        raise UnreachableError("a download address must be http or https")
    size = 0
    with urllib.request.urlopen(url, timeout=60) as answer:
        while chunk := answer.read(_CHUNK):
            out.write(chunk)
            size += len(chunk)
    return size


def _name_of(file: Mapping[str, Any], number: int) -> str:
    """The last segment of the file's key, which is the name that the user chose."""
    key = urlsplit(str(file.get("S3Uri") or "")).path
    return _safe(PurePosixPath(key).name) or f"{number}.{str(file.get('FormatType', '')).lower()}"


def _safe(name: str) -> str:
    kept = "".join("_" if each in '/\\:*?"<>|' or ord(each) < 32 else each for each in name)
    return "" if kept in (".", "..") else kept

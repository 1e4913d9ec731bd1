"""--download keeps the folders of a name, overwrites nothing, and leaves its folder never."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots.downloads import MAX_NAME_BYTES, disk_name, download_files, download_records
from snapshots.errors import UnreachableError, UsageError


@pytest.fixture
def server() -> Iterator[str]:
    """Answers the text that the path names."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = unquote(self.path[1:]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


def export(server: str, *files: tuple[str, str], export_id: str = "e1") -> dict[str, Any]:
    """An export of files, each a key behind its folder, and what it holds."""
    return {
        "ExportId": export_id,
        "Files": [
            {"FormatType": "PDF", "S3Uri": f"s3://ours/exports/b1/{key}",
             "Size": len(text.encode()), "DownloadUrl": f"{server}/{quote(text, safe='')}"}
            for key, text in files
        ],
    }  # fmt: skip


def found_in(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_folders_of_the_name_are_kept(server: str, tmp_path: Path) -> None:
    paths = download_files(export(server, ("north/2026/x.pdf", "1"), ("x.pdf", "2")), tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == [
        "e1/north/2026/x.pdf",
        "e1/x.pdf",
    ]
    assert found_in(tmp_path) == {"e1/north/2026/x.pdf": "1", "e1/x.pdf": "2"}


def test_a_different_file_that_is_there_is_kept(server: str, tmp_path: Path) -> None:
    (tmp_path / "e1").mkdir()
    (tmp_path / "e1" / "x.pdf").write_text("mine", "utf-8")
    (tmp_path / "e1" / ".x.pdf.part").write_text("mine too", "utf-8")
    (path,) = download_files(export(server, ("x.pdf", "new")), tmp_path)
    assert path == tmp_path / "e1" / "x-2.pdf"
    there = {"e1/x.pdf": "mine", "e1/.x.pdf.part": "mine too", "e1/x-2.pdf": "new"}
    assert found_in(tmp_path) == there
    assert download_files(export(server, ("x.pdf", "new")), tmp_path) == [path]
    assert found_in(tmp_path) == there


def test_the_same_file_again_is_the_same_file(server: str, tmp_path: Path) -> None:
    both = export(server, ("A.pdf", "1"), ("a.pdf", "2"))
    first = download_files(both, tmp_path)
    assert download_files(both, tmp_path) == first and len(found_in(tmp_path)) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [("Nord.pdf", "nord.PDF"), ("Übung.pdf", "U\u0308bung.pdf"), ("STRASSE.pdf", "straße.pdf"),
     ("a?.pdf", "a*.pdf"), ("x.pdf", "x.pdf/y.pdf"), ("x.pdf/y.pdf", "x.pdf"),
     ("con.pdf", "_con.pdf"), ("x" * 300 + "1.pdf", "x" * 300 + "2.pdf")],
)  # fmt: skip
@pytest.mark.parametrize("text", ["2", "1"])
def test_names_that_are_one_on_some_disk_are_kept_apart(
    server: str, tmp_path: Path, one: str, other: str, text: str
) -> None:
    paths = download_files(export(server, (one, "1"), (other, text)), tmp_path)
    assert len({str(path).casefold() for path in paths}) == 2
    assert [path.read_text("utf-8") for path in paths] == ["1", text]


def test_what_a_burst_leaves_lies_under_its_id(server: str, tmp_path: Path) -> None:
    burst = {
        "BurstId": "b",
        "ManifestS3Uri": "s3://ours/bursts/b/manifest.json",
        "ReportS3Uri": "s3://ours/bursts/b/report.html",
    }
    assert download_records(burst, tmp_path) == []
    burst |= {"ManifestDownloadUrl": f"{server}/list", "ReportDownloadUrl": f"{server}/page"}
    paths = download_records(burst, tmp_path)
    assert paths == [tmp_path / "b" / "manifest.json", tmp_path / "b" / "report.html"]
    assert found_in(tmp_path) == {"b/manifest.json": "list", "b/report.html": "page"}
    assert download_records(burst, tmp_path) == paths, "a second time brings no second copy"


def test_a_file_that_does_not_come_whole_is_not_there(server: str, tmp_path: Path) -> None:
    wrong = export(server, ("x.pdf", "short"))
    wrong["Files"][0]["Size"] = 999
    with pytest.raises(UnreachableError, match="5 bytes, not 999"):
        download_files(wrong, tmp_path)
    assert found_in(tmp_path) == {}


def test_a_folder_that_cannot_be_written_is_said(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(UsageError, match="cannot write"):
        download_files(export(server, ("x.pdf", "1")), tmp_path / "file")


@given(key=st.text(min_size=1, max_size=40), export_id=st.text(max_size=5))
def test_no_name_leaves_its_folder(key: str, export_id: str) -> None:
    for segment in (*key.split("/"), export_id, "..", ".", "x" * 1000 + key):
        name = disk_name(segment)
        assert name not in ("", ".", "..") and not set(name) & set('<>:"/\\|?*\0')
        assert name[-1] not in ". " and len(name.encode()) <= MAX_NAME_BYTES
        assert disk_name(name) == name


@pytest.mark.parametrize(
    ("segment", "name"),
    [("x.pdf?b.pdf", "x.pdf_b.pdf"), ("Invoice #3.pdf", "Invoice #3.pdf"), ("NUL", "_NUL"),
     ("com1.tar.gz", "_com1.tar.gz"), ("console.pdf", "console.pdf"), ("a. ", "a__"),
     ("..", "__"), ("a\u202eb", "a_b"), ("報告.pdf", "報告.pdf"), ("y" * 300 + ".pdf",
     "y" * 236 + ".pdf")],
)  # fmt: skip
def test_what_a_disk_cannot_hold_becomes_an_underscore(segment: str, name: str) -> None:
    assert disk_name(segment) == name

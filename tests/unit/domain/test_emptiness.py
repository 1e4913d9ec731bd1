"""Rows below a header: there, not there, or not known. What is broken is never "empty"."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from openpyxl import Workbook

from snapshot_export.domain import emptiness
from snapshot_export.domain.emptiness import (
    UnreadableRowsError,
    csv_has_rows,
    workbook_has_rows,
)


@pytest.mark.parametrize(
    ("text", "has_rows"),
    [
        (b"a,b\n", False),
        (b"a,b", False),
        (b"\xef\xbb\xbfa,b\r\n", False),
        (b'"a\nb",c\n', False),
        (b"a,b\n\n\r\n", False),
        (b"a,b\n1,2", True),
        (b"a,b\n,\n", True),
        ("ä,ö\nü,\n".encode(), True),
        (b'"a\nb"\nx\n', True),
    ],
)
def test_a_csv_has_rows_below_its_header(text: bytes, has_rows: bool) -> None:
    assert csv_has_rows(text, is_whole=True) is has_rows


@pytest.mark.parametrize(
    "text", [b"", b"\n\n", b'"a,b\n1,2\n', b"\xff\xfe", b"a\0b\n", "ä".encode()[:1]]
)
def test_a_broken_csv_is_an_error_and_not_empty(text: bytes) -> None:
    with pytest.raises(UnreadableRowsError):
        csv_has_rows(text, is_whole=True)


def test_of_a_long_csv_its_beginning_decides() -> None:
    assert csv_has_rows(b'a,b\n"1\n' + "ä".encode()[:1], is_whole=False) is True
    with pytest.raises(UnreadableRowsError):
        csv_has_rows(b"a,b,c", is_whole=False)


def workbook(*sheets: list[list[Any]]) -> io.BytesIO:
    book = Workbook(write_only=True)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    data = io.BytesIO()
    book.save(data)
    data.seek(0)
    return data


@pytest.mark.parametrize(
    ("sheets", "has_rows"),
    [
        ([[["a", "b"]]], False),
        ([[]], False),
        ([[["a", "b"], [None, None]]], False),
        ([[["a"]], [["b"]]], False),
        ([[["a", "b"], [1, 2]]], True),
        ([[["a"]], [["b"], [0]]], True),
        ([[["a"]] + [["x"]] * 5000], True),
    ],
)
def test_a_workbook_has_rows_in_any_worksheet(sheets: list[Any], has_rows: bool) -> None:
    assert workbook_has_rows(workbook(*sheets)) is has_rows


@pytest.mark.parametrize("cut", [0, 10, 400])
def test_a_broken_workbook_is_an_error(cut: int) -> None:
    data = workbook([["a"]]).getvalue()
    with pytest.raises(UnreadableRowsError):
        workbook_has_rows(io.BytesIO(data[:cut]))


def packed(sheet: bytes) -> io.BytesIO:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    data.seek(0)
    return data


def test_a_worksheet_that_unpacks_without_end_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(emptiness, "MAX_WORKBOOK_BYTES", 100_000)
    with pytest.raises(UnreadableRowsError, match="too large"):
        workbook_has_rows(packed(b"<worksheet>" + b" " * 10_000_000))


@pytest.mark.parametrize("sheet", [b"<worksheet><row>", b"no xml", b""])
def test_a_worksheet_that_is_no_xml_is_an_error(sheet: bytes) -> None:
    with pytest.raises(UnreadableRowsError):
        workbook_has_rows(packed(sheet))

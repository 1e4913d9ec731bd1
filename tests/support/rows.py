"""Whose rows are in a file: opened as a user would, whatever its format."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from openpyxl import load_workbook
from pypdf import PdfReader, PdfWriter
from pyzipper import AESZipFile

CUSTOMER = re.compile(r"cust-\d{4}")


def text_of(content: bytes, kind: str) -> str:
    """All text of a PDF, EXCEL or CSV file; raises if it does not open."""
    if kind == "PDF":
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    if kind == "EXCEL":
        sheets = load_workbook(io.BytesIO(content), read_only=True).worksheets
        rows = [row for sheet in sheets for row in sheet.iter_rows(values_only=True)]
    else:
        rows = [tuple(row) for row in csv.reader(io.StringIO(content.decode("utf-8-sig")))]
    return "\n".join(" ".join(str(cell) for cell in row) for row in rows)


def customers_in(content: bytes, kind: str) -> set[str]:
    """Ids of the customers whose rows a file shows."""
    return set(CUSTOMER.findall(text_of(content, kind)))


def opened_with(password: str, content: bytes, kind: str) -> bytes:
    """A file as it is without its password; raises AssertionError for one that opens without."""
    if kind == "PDF":
        reader = PdfReader(io.BytesIO(content))
        encryption: Any = reader.trailer["/Encrypt"]
        assert (encryption["/V"], encryption["/R"]) == (5, 6), "AES-256 of PDF 2.0"
        assert not reader.decrypt("") and reader.decrypt(password)
        plain = io.BytesIO()
        PdfWriter(clone_from=reader).write(plain)
        return plain.getvalue()
    with AESZipFile(io.BytesIO(content)) as archive:
        (entry,) = archive.infolist()
        assert (entry.wz_aes_strength, entry.wz_aes_version) == (3, 2), "AES-256, AE-2"
        archive.setpassword(password.encode())
        data: bytes = archive.read(entry)
        return data


def bookmarks_of(content: bytes) -> list[tuple[str, int | None]]:
    """Titles of a PDF's bookmarks, and the pages that they lead to, from 0."""
    reader = PdfReader(io.BytesIO(content))
    return [
        (str(each.title), reader.get_destination_page_number(each))
        for each in reader.outline
        if not isinstance(each, list)
    ]

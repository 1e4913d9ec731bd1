"""What is no manifest is told by its likely cause, in one sentence, without a value of it."""

from __future__ import annotations

import sys

import pytest

from snapshot_export.domain.burst import ManifestFormat
from snapshot_export.domain.manifest_check import HEAD_BYTES, ManifestFault, find_fault
from snapshot_export.domain.recipients import COLUMNS, MEMBERS

CSV, JSON = ManifestFormat.CSV, ManifestFormat.JSON_LINES
GOOD = "RecipientId,Name,tag:customer_id\n4711,Müller & Söhne,secret-1\n4712,Köln,secret-2\n"
HEADER, FORMAT, EMPTY = "MANIFEST_HEADER_INVALID", "MANIFEST_FORMAT_INVALID", "MANIFEST_EMPTY"


def by(separator: str) -> bytes:
    return GOOD.replace(",", separator).encode()


@pytest.mark.parametrize(
    ("head", "kind", "code", "cause"),
    [
        (by(";"), CSV, HEADER, "semicolons"),
        (b"\xef\xbb\xbf" + by(";").replace(b"\n", b"\r\n"), CSV, HEADER, "semicolons"),
        (by("\t"), CSV, HEADER, "tabs"),
        (by("|"), CSV, HEADER, "vertical bars"),
        (b"RecipientId;Kunde\na;secret\n", CSV, HEADER, "semicolons"),
        (b"tag:customer_id;RecipientId\nsecret;a\n", CSV, HEADER, "semicolons"),
        (b"4711;secret\n", CSV, HEADER, "semicolons"),
        (b"sep=;\n" + by(";"), CSV, HEADER, "sep="),
        (b'"sep=,"\r\n' + GOOD.encode(), CSV, HEADER, "sep="),
        (GOOD.encode("utf-16"), CSV, FORMAT, "UTF-16"),
        (GOOD.encode("utf-16-le"), CSV, FORMAT, "UTF-16"),
        (GOOD.encode("utf-16-be"), CSV, FORMAT, "UTF-16"),
        (GOOD.encode("utf-32"), CSV, FORMAT, "UTF-32"),
        (GOOD.encode("utf-32-be"), CSV, FORMAT, "UTF-32"),
        ('{"RecipientId": "a"}'.encode("utf-16-le"), JSON, FORMAT, "UTF-16"),
        (GOOD.encode("latin-1"), CSV, FORMAT, "Windows-1252"),
        (GOOD.encode("latin-1").replace(b"\n", b"\r"), CSV, FORMAT, "Windows-1252"),
        ("RecipientId,tag:schlüssel\n".encode("cp1252"), CSV, FORMAT, "Windows-1252"),
        (b"PK\x03\x04\x14\x00\x06\x00secret", CSV, FORMAT, "Excel workbook"),
        (b"PK\x03\x04\x14\x00\x06\x00secret", JSON, FORMAT, "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", CSV, FORMAT, "old kind"),
        (b"\x1f\x8b\x08", JSON, FORMAT, "gzip"),
        (b"\r\n<!DOCTYPE html>secret", CSV, FORMAT, "HTML"),
        (b'{"RecipientId": "secret"}\n', CSV, FORMAT, "holds JSON"),
        (b'[{"RecipientId": "secret"}]', CSV, FORMAT, "holds JSON"),
        (b'[{"RecipientId": "secret"}]', JSON, FORMAT, "JSON array"),
        (b'[\n{"RecipientId": "secret"},\n{}\n]', JSON, FORMAT, "JSON array"),
        (b'[{"RecipientId": "' + b"x" * HEAD_BYTES, JSON, FORMAT, "JSON array"),
        (b"[" * 5000 + b"]" * 5000 + b"\n", JSON, FORMAT, "JSON array"),
        (b'{\n "RecipientId": "secret"\n}', JSON, FORMAT, "over several lines"),
        (GOOD.encode(), JSON, FORMAT, "holds CSV"),
        (by(";"), JSON, FORMAT, "holds CSV"),
        (b"", CSV, EMPTY, "empty"), (b"", JSON, EMPTY, "empty"),
        (b"\xef\xbb\xbf\r\n \r\n", CSV, EMPTY, "empty"),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_told_by_its_likely_cause(
    head: bytes, kind: ManifestFormat, code: str, cause: str
) -> None:
    fault = find_fault(head, kind)
    assert isinstance(fault, ManifestFault) and fault.code == code
    assert cause in fault.message
    assert fault.message.endswith(COLUMNS if kind is CSV else MEMBERS)
    assert "\n" not in fault.message and "." not in fault.message, "one sentence"
    for value in ("secret", "4711", "4712", "Kunde", "schl"):
        assert value not in fault.message


@pytest.mark.parametrize("limit", [1_000, 50_000])
def test_a_deep_array_is_one_however_deep_the_caller_may_nest(limit: int) -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)
    try:
        fault = find_fault(b"[" * 5000 + b"]" * 5000 + b"\n", JSON)
    finally:
        sys.setrecursionlimit(before)
    assert fault and "JSON array" in fault.message


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (GOOD.encode(), CSV), (GOOD.encode("utf-8-sig"), CSV),
        (GOOD.replace("\n", "\r").encode(), CSV), (b"\n\n" + GOOD.encode(), CSV),
        (b"RecipientId\na\n", CSV), (b"RecipientId,tag:a;b\na,b\n", CSV),
        (b'RecipientId,Name\na,"x;y|z"\n', CSV),
        ((GOOD + "4713,").encode() + b"\xfc\n", CSV),
        (b"RecipientId,Name\na,M\xfcller\n" + "b,Köln\n".encode(), CSV),
        (b"RecipientId,Name\na,M\xfcller\nb,x\n", CSV),
        ((GOOD * 3000).encode()[:HEAD_BYTES], CSV), (b"Name\n" + "ü".encode() * 40_000, CSV),
        (b'{"RecipientId": "a"}\n[]\n', JSON), (b"[]\n{}\n", JSON), (b'"x"\n{}\n', JSON),
        (b"{\"RecipientId\": \n{}\n", JSON),
    ],
)  # fmt: skip
def test_single_wrong_lines_leave_it_a_manifest(head: bytes, kind: ManifestFormat) -> None:
    assert find_fault(head, kind) is None

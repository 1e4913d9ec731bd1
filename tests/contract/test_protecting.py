"""Encryption with the libraries that the functions ship with, which lack `cryptography`."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import io, sys

sys.modules["cryptography"] = None  # of the tests; lambdas/requirements.txt has none
from pypdf import PdfReader, PdfWriter
from pypdf._crypt_providers import crypt_provider

from snapshot_export.adapters.s3.protecting import protected_pdf, protected_zip
from snapshot_export.domain.password import Password

page = io.BytesIO()
writer = PdfWriter()
writer.add_blank_page(100, 100)
writer.write(page)
locked = PdfReader(io.BytesIO(protected_pdf(page.getvalue(), Password("tall trees 4711"))))
assert not locked.decrypt("") and locked.decrypt("tall trees 4711")
archive = b"".join(protected_zip("a.csv", [b"a"], 1.8e9, Password("tall trees 4711")))
print(crypt_provider[0], len(locked.pages), archive[:2], archive[6] & 1)
"""


def test_pdfs_and_zips_are_encrypted_without_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["pycryptodome", "1", "b'PK'", "1"], done.stderr

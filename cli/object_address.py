"""The address of an object in S3, as domain/object_address.py of the functions has it.

The command line is installed without the functions; tests/unit/test_object_address.py compares
the two.
"""

from __future__ import annotations

from typing import NamedTuple

SCHEME = "s3://"


class ObjectAddress(NamedTuple):
    """`s3://bucket/key`: the key is all that stands behind the first slash, as it is."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> ObjectAddress:
        """The address that `str` of it writes. Raises ValueError for other texts."""
        bucket, slash, key = text.removeprefix(SCHEME).partition("/")
        if not is_object_address(text) or not (bucket and slash and key):
            raise ValueError("must be s3://<bucket>/<key>")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"


def is_object_address(text: str) -> bool:
    """Whether the text is meant as an object's address and not as a path."""
    return text.startswith(SCHEME)

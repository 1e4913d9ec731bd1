"""The address of an object in S3: its bucket and its key, and nothing that a URL has besides."""

from __future__ import annotations

from dataclasses import dataclass

SCHEME = "s3://"


@dataclass(frozen=True)
class ObjectAddress:
    """`s3://bucket/key`, where the key is the rest of the text, whatever it holds.

    A key is no part of a URL: `?`, `#`, `%`, `+`, `//` and a leading `/` are characters of it, so
    nothing is decoded, normalized or cut off. A bucket's name holds no `/`, so the first one ends
    it.
    """

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> ObjectAddress:
        """The address that `str` of it writes. Raises ValueError, without the text, for others."""
        bucket, slash, key = text.removeprefix(SCHEME).partition("/")
        if not is_object_address(text) or not (bucket and slash and key):
            raise ValueError("must be s3://<bucket>/<key>")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        """What stands behind the key's last slash."""
        return self.key.rpartition("/")[2]


def is_object_address(text: str) -> bool:
    """Whether the text is meant as an object's address and not as a URL or a path."""
    return text.startswith(SCHEME)

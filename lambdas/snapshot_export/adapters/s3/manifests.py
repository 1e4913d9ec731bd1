"""S3: the recipients of bursts, read in ranges; what is written of bursts that ended."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from snapshot_export.adapters.aws_errors import AWS_ERRORS, code_of
from snapshot_export.adapters.s3.errors import CHANGED, GONE, RACED
from snapshot_export.adapters.s3.uploads import PART_BYTES, upload
from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.domain.prefixes import BURSTS_PREFIX
from snapshot_export.errors import ConditionFailedError, ManifestError, TransientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RANGE_BYTES = 4 * 1024 * 1024
_REVISION = "revision"
"""Metadata of what is written of a burst: by the close of which revision."""
_TRIES = 3


@dataclass(frozen=True)
class Found:
    """A manifest that is there: which version of it, and its bytes."""

    etag: str
    size: int


class Manifests:
    """Manifests in S3. Every error leaves as ManifestError, which stays, or TransientError."""

    def __init__(self, client: S3Client, export_bucket: str) -> None:
        self._client = client
        self._bucket = export_bucket

    def keep_recipients(self, burst_id: str, nonce: str, recipients: Iterable[Any]) -> str:
        """Write inline recipients as JSON Lines; answers the object's address.

        The burst's nonce in the key keeps them from being overwritten: by another burst of the same
        id, which is refused only later, or by the same one delivered again, whose object would have
        another ETag.
        """
        key = f"{BURSTS_PREFIX}{burst_id}/recipients-{nonce}.jsonl"
        body = "".join(json.dumps(recipient) + "\n" for recipient in recipients)
        with _translated():
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body.encode())
        return str(ObjectAddress(self._bucket, key))

    def freeze(self, burst_id: str, nonce: str, file: IO[bytes]) -> str:
        """Keep the rows of a query as the burst's recipients; answers the object's address.

        What was kept before stays.
        """
        key = f"{BURSTS_PREFIX}{burst_id}/recipients-{nonce}.csv"
        file.seek(0)
        with _translated():
            try:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=file, IfNoneMatch="*")
            except ClientError as error:
                if code_of(error) not in CHANGED:
                    raise
        return str(ObjectAddress(self._bucket, key))

    def find(self, uri: str) -> Found:
        """The manifest as it is now."""
        place = ObjectAddress.parse(uri)
        with _translated():
            head = self._client.head_object(Bucket=place.bucket, Key=place.key)
        return Found(head["ETag"], head["ContentLength"])

    def chunks(self, uri: str, found: Found, offset: int) -> Iterator[bytes]:
        """The manifest's bytes from `offset`, a range at a time, if it is still the one found."""
        place = ObjectAddress.parse(uri)
        while offset < found.size:
            end = min(offset + RANGE_BYTES, found.size)
            with _translated():
                answer = self._client.get_object(
                    Bucket=place.bucket,
                    Key=place.key,
                    Range=f"bytes={offset}-{end - 1}",
                    IfMatch=found.etag,
                )
                yield answer["Body"].read()
            offset = end

    def address(self, burst_id: str) -> str:
        """Where the manifest of a burst that ended lies."""
        return str(ObjectAddress(self._bucket, f"{BURSTS_PREFIX}{burst_id}/manifest.json"))

    def report_address(self, burst_id: str) -> str:
        """Where the report of a burst that ended lies, beside its manifest."""
        return str(ObjectAddress(self._bucket, f"{BURSTS_PREFIX}{burst_id}/report.html"))

    def zip_address(self, burst_id: str) -> str:
        """Where the zip of a burst's files lies, if it has one."""
        return str(ObjectAddress(self._bucket, f"{BURSTS_PREFIX}{burst_id}/files.zip"))

    def write(self, burst_id: str, revision: int, lines: Iterable[str]) -> None:
        """Write the manifest of a burst that ended, over what an interrupted writing left.

        Raises ConditionFailedError if a later revision's lies there; so do the other two.
        """
        self._write(self.address(burst_id), revision, lines, "application/json")

    def write_report(self, burst_id: str, revision: int, pieces: Iterable[str]) -> None:
        """Write the report of a burst that ended, over what an interrupted writing left."""
        self._write(self.report_address(burst_id), revision, pieces, "text/html; charset=utf-8")

    def write_zip(self, burst_id: str, revision: int, pieces: Iterable[bytes]) -> None:
        """Write the zip of a burst's files, piece by piece. Whoever comes second stops too, with
        ConditionFailedError: the pieces are read once."""
        place = ObjectAddress.parse(self.zip_address(burst_id))
        if not self._put(place, revision, pieces, "application/zip"):
            raise ConditionFailedError(f"{place.key}: written meanwhile")

    def _write(self, uri: str, revision: int, pieces: Iterable[str], content_type: str) -> None:
        place = ObjectAddress.parse(uri)
        with tempfile.TemporaryFile() as file:
            file.writelines(piece.encode() for piece in pieces)
            for _ in range(_TRIES):
                file.seek(0)
                chunks = iter(partial(file.read, PART_BYTES), b"")
                if self._put(place, revision, chunks, content_type):
                    return
        raise TransientError(f"S3: {place.key} is written again and again")

    def _put(
        self, place: ObjectAddress, revision: int, pieces: Iterable[bytes], content_type: str
    ) -> bool:
        """False if another write came between; so a closing that stalled, and goes on behind a
        later one, overwrites nothing."""
        with _translated():
            try:
                upload(
                    self._client,
                    place,
                    pieces,
                    content_type=content_type,
                    metadata={_REVISION: str(revision)},
                    seen=self._of_revision_up_to(place, revision),
                )
            except ClientError as error:
                if code_of(error) in RACED:
                    return False
                raise
        return True

    def _of_revision_up_to(self, place: ObjectAddress, revision: int) -> str | None:
        """The ETag of what lies there, None for nothing.

        Raises ConditionFailedError if it is a later revision's. Older versions wrote none.
        """
        try:
            head = self._client.head_object(Bucket=place.bucket, Key=place.key)
        except ClientError as error:
            if code_of(error) in GONE:
                return None
            raise
        if int(head["Metadata"].get(_REVISION, "0")) > revision:
            raise ConditionFailedError(f"{place.key}: a later revision's")
        return head["ETag"]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except AWS_ERRORS as error:
        code = code_of(error)
        if code in GONE:
            raise ManifestError("MANIFEST_UNREADABLE", f"S3: {code}") from None
        if code in CHANGED:
            text = "the object was replaced while it was read"
            raise ManifestError("MANIFEST_CHANGED", text) from None
        raise TransientError(f"S3: {code}") from None

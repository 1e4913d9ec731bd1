"""S3: the recipients of bursts, read in ranges; manifests and reports of bursts that ended."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from snapshot_export.domain.object_address import ObjectAddress
from snapshot_export.domain.prefixes import BURSTS_PREFIX
from snapshot_export.errors import ManifestError, TransientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RANGE_BYTES = 4 * 1024 * 1024
_CHANGED = ("PreconditionFailed", "412")
_GONE = {"404", "NoSuchKey", "NoSuchBucket", "403", "AccessDenied"}


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
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body.encode())
        except (ClientError, BotoCoreError) as error:
            raise _translate(error) from None
        return str(ObjectAddress(self._bucket, key))

    def freeze(self, burst_id: str, nonce: str, file: IO[bytes]) -> str:
        """Keep the rows of a query as the burst's recipients; answers the object's address.

        What was kept before stays.
        """
        key = f"{BURSTS_PREFIX}{burst_id}/recipients-{nonce}.csv"
        file.seek(0)
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=file, IfNoneMatch="*")
        except (ClientError, BotoCoreError) as error:
            if not _lay_there(error):
                raise _translate(error) from None
        return str(ObjectAddress(self._bucket, key))

    def find(self, uri: str) -> Found:
        """The manifest as it is now."""
        place = ObjectAddress.parse(uri)
        try:
            head = self._client.head_object(Bucket=place.bucket, Key=place.key)
        except (ClientError, BotoCoreError) as error:
            raise _translate(error) from None
        return Found(head["ETag"], head["ContentLength"])

    def chunks(self, uri: str, found: Found, offset: int) -> Iterator[bytes]:
        """The manifest's bytes from `offset`, a range at a time, if it is still the one found."""
        place = ObjectAddress.parse(uri)
        while offset < found.size:
            end = min(offset + RANGE_BYTES, found.size)
            try:
                answer = self._client.get_object(
                    Bucket=place.bucket,
                    Key=place.key,
                    Range=f"bytes={offset}-{end - 1}",
                    IfMatch=found.etag,
                )
                yield answer["Body"].read()
            except (ClientError, BotoCoreError) as error:
                raise _translate(error) from None
            offset = end

    def address(self, burst_id: str) -> str:
        """Where the manifest of a burst that ended lies."""
        return str(ObjectAddress(self._bucket, f"{BURSTS_PREFIX}{burst_id}/manifest.json"))

    def report_address(self, burst_id: str) -> str:
        """Where the report of a burst that ended lies, beside its manifest."""
        return str(ObjectAddress(self._bucket, f"{BURSTS_PREFIX}{burst_id}/report.html"))

    def write(self, burst_id: str, lines: Iterable[str]) -> None:
        """Write the manifest of a burst that ended, over what an interrupted writing left."""
        self._write(self.address(burst_id), lines, "application/json")

    def write_report(self, burst_id: str, pieces: Iterable[str]) -> None:
        """Write the report of a burst that ended, over what an interrupted writing left."""
        self._write(self.report_address(burst_id), pieces, "text/html; charset=utf-8")

    def _write(self, uri: str, pieces: Iterable[str], content_type: str) -> None:
        place = ObjectAddress.parse(uri)
        with tempfile.TemporaryFile() as file:
            file.writelines(piece.encode() for piece in pieces)
            file.seek(0)
            try:
                self._client.upload_fileobj(
                    file, place.bucket, place.key, ExtraArgs={"ContentType": content_type}
                )
            except (ClientError, BotoCoreError, S3UploadFailedError) as error:
                raise _translate(error) from None


def _lay_there(error: Exception) -> bool:
    """Whether a write was refused that was to make an object, since there is one."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] in _CHANGED


def _translate(error: Exception) -> Exception:
    if not isinstance(error, ClientError):
        return TransientError(f"S3: {type(error).__name__}")
    code = error.response["Error"]["Code"]
    if code in _GONE:
        return ManifestError("MANIFEST_UNREADABLE", f"S3: {code}")
    if code in _CHANGED:
        return ManifestError("MANIFEST_CHANGED", "the object was replaced while it was read")
    return TransientError(f"S3: {code}")

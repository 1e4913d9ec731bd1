"""S3: finished files under the user's name, whether QuickSight left an object or an address."""

from __future__ import annotations

import http.client
import io
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from snapshot_export.adapters.aws_errors import AWS_ERRORS, code_of, transient
from snapshot_export.adapters.s3.errors import CHANGED, GONE
from snapshot_export.adapters.s3.transfers import TimedBody, TimeLimit
from snapshot_export.adapters.s3.uploads import upload
from snapshot_export.domain.emptiness import HEAD_BYTES, UnreadableRowsError
from snapshot_export.domain.export import ErrorInfo, ExportedFile
from snapshot_export.domain.formats import Format
from snapshot_export.domain.object_address import ObjectAddress, is_object_address
from snapshot_export.errors import FileChangedError, TransientError

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

DOWNLOAD_TIMEOUT_SECONDS = 30
_STREAMED_BYTES = 1024 * 1024
_MARK = "made-by"


class Files:
    """Objects of the export bucket, and what lies in the buckets that requests name."""

    def __init__(self, client: S3Client, export_bucket: str) -> None:
        self._client = client
        self._bucket = export_bucket

    def collect(self, uri: str, kind: str, key: str, limit: TimeLimit) -> ExportedFile:
        """Bring one result to its place. Repeating it leaves the same object.

        An object in the export bucket is copied to `key`; an https address, which expires after
        about 300 s, is copied out to `key`; an object in a bucket that the request named stays
        where it is. The key in an object's address is taken as it is [? plain-result-address].
        A large one goes in parts, at most ten of 8 MB of them in memory. Raises TransientError, and
        TransferTooSlowError when `limit` is over; a file that is gone comes back with its error.
        """
        place = ObjectAddress(self._bucket, key)
        try:
            if not is_object_address(uri):
                self._download(uri, key, limit)
                return self._stored(kind, place)
            source = ObjectAddress.parse(uri)
            if source.bucket != self._bucket:
                return self._stored(kind, source)
            self._client.copy(
                {"Bucket": source.bucket, "Key": source.key},
                place.bucket,
                place.key,
                Callback=limit.check,
            )
            return self._stored(kind, place)
        except (ValueError, *AWS_ERRORS) as error:
            return _unreadable(kind, error)

    def look(self, uri: str, kind: str) -> ExportedFile:
        """One result where it lies, in the export bucket. Raises and answers as `collect` does."""
        try:
            return self._stored(kind, ObjectAddress.parse(uri))
        except (ValueError, *AWS_ERRORS) as error:
            return _unreadable(kind, error)

    def head(self, uri: str, most: int = HEAD_BYTES) -> tuple[bytes, int]:
        """The first `most` bytes of an object, and its size. Raises UnreadableRowsError for one
        that is gone, and TransientError."""
        try:
            place = ObjectAddress.parse(uri)
            found = self._client.head_object(Bucket=place.bucket, Key=place.key)
            if not found["ContentLength"]:
                return b"", 0
            answer = self._client.get_object(
                Bucket=place.bucket,
                Key=place.key,
                Range=f"bytes=0-{most - 1}",
                IfMatch=found["ETag"],
            )
            return answer["Body"].read(), found["ContentLength"]
        except (ValueError, *AWS_ERRORS) as error:
            lost = _unreadable("", error).error
            raise UnreadableRowsError(lost.message if lost else "") from None

    def read(self, file: ExportedFile) -> bytes | None:
        """The bytes of a file that was looked at; None if it is gone or another.

        Raises TransientError.
        """
        try:
            with self._opened(file) as body:
                return body.read()
        except FileChangedError:
            return None

    def stream(self, file: ExportedFile) -> Iterator[bytes]:
        """The bytes of a file that was delivered, piece by piece.

        Raises FileChangedError if it is gone or another, TransientError.
        """
        with self._opened(file) as body:
            yield from body.iter_chunks(_STREAMED_BYTES)

    @contextmanager
    def _opened(self, file: ExportedFile) -> Iterator[StreamingBody]:
        place = ObjectAddress.parse(file.uri or "")
        with _unchanged():
            yield self._client.get_object(
                Bucket=place.bucket, Key=place.key, IfMatch=f'"{file.etag}"'
            )["Body"]

    def write(self, kind: str, key: str, data: bytes, limit: TimeLimit) -> ExportedFile:
        """Write a file to the export bucket. Raises TransientError, TransferTooSlowError."""
        place = ObjectAddress(self._bucket, key)
        with transient("S3"):
            self._client.upload_fileobj(
                io.BytesIO(data), place.bucket, place.key, Callback=limit.check
            )
            return self._stored(kind, place)

    def write_pieces(
        self,
        kind: str,
        key: str,
        pieces: Iterable[bytes],
        limit: TimeLimit,
        *,
        mark: str | None = None,
    ) -> ExportedFile:
        """Write a file to the export bucket piece by piece, over what an interrupted step left.

        What carries the same `mark` there is that file already, and is left as it is. Raises what
        the pieces do, TransientError, also where another write came between, and
        TransferTooSlowError.
        """
        place = ObjectAddress(self._bucket, key)
        with transient("S3"):
            seen, written_by = self._seen_at(place)
            if mark is not None and written_by == mark:
                return self._stored(kind, place)
            upload(
                self._client,
                place,
                _in_time(pieces, limit),
                content_type="application/pdf" if kind == Format.PDF else "application/zip",
                metadata={} if mark is None else {_MARK: mark},
                seen=seen,
            )
            return self._stored(kind, place)

    def _seen_at(self, place: ObjectAddress) -> tuple[str | None, str | None]:
        """ETag and mark of the object there."""
        try:
            head = self._client.head_object(Bucket=place.bucket, Key=place.key)
        except ClientError as error:
            if code_of(error) == "404":
                return None, None
            raise
        return head["ETag"], head["Metadata"].get(_MARK)

    def download_url(
        self,
        uri: str,
        seconds: int,
        *,
        disposition: str | None = None,
        operation: Literal["get_object", "head_object"] = "get_object",
    ) -> str | None:
        """An address that downloads one of our own files for `seconds`; None for others' files.

        With a `disposition` S3 answers it as Content-Disposition.
        """
        place = ObjectAddress.parse(uri)
        if place.bucket != self._bucket:
            return None
        named = {"ResponseContentDisposition": disposition} if disposition else {}
        return self._client.generate_presigned_url(
            operation,
            Params={"Bucket": place.bucket, "Key": place.key, **named},
            ExpiresIn=seconds,
        )

    def is_unchanged(self, uri: str, etag: str) -> bool:
        """Whether an object is there, and still the one of this ETag. Raises TransientError."""
        place = ObjectAddress.parse(uri)
        try:
            with _unchanged():
                self._client.head_object(Bucket=place.bucket, Key=place.key, IfMatch=f'"{etag}"')
        except FileChangedError:
            return False
        return True

    def is_there(self, key: str) -> bool:
        """Whether the export bucket has an object of this key. Raises TransientError."""
        with transient("S3"):
            return self._seen_at(ObjectAddress(self._bucket, key))[0] is not None

    def discard(self, folder: str | None, uris: Iterable[str]) -> None:
        """Delete from the export bucket what lies in a folder, and the objects of `uris`.

        Objects in other buckets stay. Repeating it does no harm. `folder` must end with `/`: it
        would be the prefix of another folder's name too. Raises ValueError, TransientError.
        """
        if folder is not None and not folder.endswith("/"):
            raise ValueError("only a whole folder is discarded")
        own = map(ObjectAddress.parse, uris)
        keys = [place.key for place in own if place.bucket == self._bucket]
        with transient("S3"):
            if folder is not None:
                keys += [item["Key"] for item in self._objects_in(folder)]
            for key in keys:
                self._client.delete_object(Bucket=self._bucket, Key=key)

    def written_in(self, folder: str) -> list[float]:
        """When each object of a folder was last written (epoch seconds). Raises TransientError."""
        with transient("S3"):
            return [item["LastModified"].timestamp() for item in self._objects_in(folder)]

    def _objects_in(self, folder: str) -> Iterator[ObjectTypeDef]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=folder
        )
        return (item for page in pages for item in page.get("Contents", []))

    def _download(self, uri: str, key: str, limit: TimeLimit) -> None:
        try:
            with urllib.request.urlopen(uri, timeout=DOWNLOAD_TIMEOUT_SECONDS) as body:
                timed: Any = TimedBody(body, limit)
                self._client.upload_fileobj(timed, self._bucket, key)
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise TransientError(f"download of a result: {type(error).__name__}") from None

    def _stored(self, kind: str, place: ObjectAddress) -> ExportedFile:
        head = self._client.head_object(Bucket=place.bucket, Key=place.key)
        return ExportedFile(
            format=kind,
            uri=str(place),
            size=head["ContentLength"],
            etag=head["ETag"].strip('"'),
        )


def _in_time(pieces: Iterable[bytes], limit: TimeLimit) -> Iterator[bytes]:
    for piece in pieces:
        limit.check()
        yield piece


@contextmanager
def _unchanged() -> Iterator[None]:
    """Raise FileChangedError for an object that is gone or another, else TransientError."""
    try:
        yield
    except AWS_ERRORS as error:
        kind = FileChangedError if code_of(error) in GONE | CHANGED else TransientError
        raise kind(f"S3: {code_of(error)}") from None


def _unreadable(kind: str, error: Exception) -> ExportedFile:
    """The file that is gone, with its reason. Raises TransientError for what may pass."""
    text = "the result's address has no key"
    if not isinstance(error, ValueError):
        text = f"S3: {code_of(error)}"
        if code_of(error) not in GONE:
            raise TransientError(text) from None
    return ExportedFile(format=kind, error=ErrorInfo("FILE_UNREADABLE", text))

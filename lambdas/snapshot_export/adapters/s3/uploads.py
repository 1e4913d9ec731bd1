"""S3: an object written piece by piece, in the memory of one part, and only over what was seen.

boto3's own uploads take no condition (s3transfer 0.19). What an upload leaves that is not completed
is no object; the bucket's lifecycle rule removes it after a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from snapshot_export.domain.object_address import ObjectAddress

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES = 8 * 1024 * 1024
"""S3 takes 10,000 parts of an object, each of 5 MiB at least but the last."""


def upload(
    client: S3Client,
    place: ObjectAddress,
    pieces: Iterable[bytes],
    *,
    content_type: str,
    metadata: Mapping[str, str],
    seen: str | None,
) -> None:
    """Write an object over the one with the ETag `seen`; None: where none lies.

    Raises what botocore does; ClientError, its code in RACED, if another one lies there.
    """
    where: dict[str, Any] = {"Bucket": place.bucket, "Key": place.key}
    condition: dict[str, Any] = {"IfNoneMatch": "*"} if seen is None else {"IfMatch": seen}
    described: dict[str, Any] = {"ContentType": content_type, "Metadata": dict(metadata)}
    parts = _parts(pieces)
    first = next(parts, b"")
    second = next(parts, None)
    if second is None:
        client.put_object(**where, **described, **condition, Body=first)
        return
    upload_id = client.create_multipart_upload(**where, **described)["UploadId"]
    done: list[CompletedPartTypeDef] = []
    for number, part in enumerate(_chain(first, second, parts), start=1):
        answer = client.upload_part(**where, UploadId=upload_id, PartNumber=number, Body=part)
        done.append({"ETag": answer["ETag"], "PartNumber": number})
    client.complete_multipart_upload(
        **where, **condition, UploadId=upload_id, MultipartUpload={"Parts": done}
    )


def _chain(first: bytes, second: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield second
    yield from rest


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Parts of PART_BYTES and the rest, none of them empty."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= PART_BYTES:
            yield bytes(held[:PART_BYTES])
            del held[:PART_BYTES]
    if held:
        yield bytes(held)

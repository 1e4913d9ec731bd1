"""Bursts as users send them, and what is left of them."""

from __future__ import annotations

import json
from typing import Any

from snapshot_export.domain.burst import Burst, BurstStatus, ManifestFormat
from tests.support.messages import message
from tests.support.world import World


def template(**more: Any) -> dict[str, Any]:
    """A template whose recipients bring their own tags."""
    body = message(None, **more)
    del body["UserConfiguration"]
    return body


def recipient(number: int, **more: Any) -> dict[str, Any]:
    """A recipient who sees the rows of customer `number`."""
    tags = [{"Key": "customer_id", "Value": f"cust-{number:04d}"}]
    return {"RecipientId": f"r-{number}", "RowLevelPermissionTags": tags, **more}


def burst(burst_id: str | None = "burst-1", recipients: Any = None, **more: Any) -> dict[str, Any]:
    """A burst; without `recipients` a `Manifest` must be among `more`."""
    body: dict[str, Any] = {"Template": template(Name="{recipient}/report"), **more}
    if recipients is not None:
        body["Recipients"] = recipients
    return body | {"BurstId": burst_id} if burst_id else body


def burst_record(**members: Any) -> Burst:
    """The record of a burst of a manifest, as its acceptance writes it, but for `members`."""
    accepted: dict[str, Any] = {
        "burst_id": "many",
        "status": BurstStatus.EXPANDING,
        "digest": "digest",
        "nonce": "nonce",
        "manifest_uri": "s3://bucket/list.csv",
        "manifest_format": ManifestFormat.CSV,
        "manifest_etag": "etag",
        "manifest_size": 9,
        "accepted_at": 100,
        "touched_at": 100,
        "source": "API",
    }
    return Burst(**accepted | members)


def csv_manifest(world: World, text: str | bytes, name: str = "list.csv") -> dict[str, str]:
    """Put a CSV manifest into the world's bucket; answers a burst's `Manifest`."""
    key, bucket = f"manifests/{name}", world.settings.export_bucket
    world.session.client("s3").put_object(Bucket=bucket, Key=key, Body=text)
    return {"S3Uri": f"s3://{bucket}/{key}", "Format": "CSV"}


def manifest_of(world: World, burst_id: str) -> dict[str, Any]:
    """The manifest.json of a burst that ended."""
    manifest: dict[str, Any] = json.loads(_left_of(world, burst_id, "manifest.json"))
    return manifest


def report_of(world: World, burst_id: str) -> str:
    """The report.html of a burst that ended."""
    return _left_of(world, burst_id, "report.html").decode()


def _left_of(world: World, burst_id: str, name: str) -> bytes:
    key = f"bursts/{burst_id}/{name}"
    answer = world.session.client("s3").get_object(Bucket=world.settings.export_bucket, Key=key)
    content: bytes = answer["Body"].read()
    return content


def bursts_announced(world: World) -> list[dict[str, Any]]:
    """Details of the completion events sent so far; call `watch_events` first."""
    details: list[dict[str, Any]] = world.announced  # type: ignore[attr-defined]
    return details

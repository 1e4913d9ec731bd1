"""Files written to a destination bucket, or kept for download when there is none."""

import json
import time
import uuid
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.quicksight.bucket_policy import allows
from local.quicksight.jobs import Delivery, JobError
from local.quicksight.rendering import MEDIA_TYPES, suffix_of
from local.quicksight.settings import Settings
from snapshot_export.domain.object_address import ObjectAddress

ACCESS_DENIED = "S3_ACCESS_DENIED"
NO_BUCKET = "S3_BUCKET_NOT_FOUND"
WRONG_REGION = "S3_BUCKET_REGION_MISMATCH"
UNAVAILABLE = "S3_UPLOAD_FAILED"

_TYPES = {"AccessDenied": ACCESS_DENIED, "NoSuchBucket": NO_BUCKET}


class _RefusedError(Exception):
    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error = JobError(error_type, message)


@cache
def _s3_of(endpoint: str | None, region: str, key_id: str, secret: str) -> Any:
    """One client however often the emulator is reset: making it reads the service's whole model."""
    return boto3.Session(
        aws_access_key_id=key_id, aws_secret_access_key=secret, region_name=region
    ).client(
        "s3",
        endpoint_url=endpoint,
        config=Config(
            s3={"addressing_style": "path"},
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 3},
        ),
    )


class Destination:
    """Uploads as QuickSight's service principal would; safe to use from several threads.

    AWS documents no error types for failed uploads; those given here are the emulator's own
    [? upload-error-types].
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._s3 = _s3_of(
            settings.aws_endpoint,
            settings.region,
            settings.aws_access_key_id,
            settings.aws_secret_access_key,
        )

    def upload(
        self, bucket: str, prefix: str, dashboard_id: str, name: str, content: bytes
    ) -> Delivery:
        """Put one object under the prefix, by a name of `make_file_name`, which overwrites nothing.

        An error is part of the answer.
        """
        folder = prefix.rstrip("/")
        key = f"{folder}/{name}" if folder else name
        try:
            if self._settings.require_bucket_policy:
                self._check_bucket(bucket, key, self._settings.arn_of_dashboard(dashboard_id))
            self._s3.put_object(
                Bucket=bucket, Key=key, Body=content, ContentType=MEDIA_TYPES[suffix_of(name)]
            )
        except _RefusedError as refusal:
            return Delivery(error=refusal.error)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            return Delivery(error=JobError(_TYPES.get(code, UNAVAILABLE), str(error)))
        except BotoCoreError as error:
            return Delivery(error=JobError(UNAVAILABLE, str(error)))
        return Delivery(name=name, s3_uri=str(ObjectAddress(bucket, key)))

    def _check_bucket(self, bucket: str, key: str, source: str) -> None:
        policy = self._policy_of(bucket)
        context = {
            "aws:SecureTransport": "true",
            "s3:TlsVersion": "1.3",
            "aws:SourceAccount": self._settings.account,
            "aws:SourceArn": source,
        }
        arn = f"arn:aws:s3:::{bucket}"
        for action, resource in (
            ("s3:GetBucketLocation", arn),
            ("s3:PutObject", f"{arn}/{key}"),
        ):
            if not allows(policy, action, resource, context):
                raise _RefusedError(ACCESS_DENIED, f"bucket policy does not allow {action}")
        location = self._s3.get_bucket_location(Bucket=bucket)["LocationConstraint"]
        if (location or "us-east-1") != self._settings.region:
            raise _RefusedError(WRONG_REGION, f"the bucket is in {location}")

    def _policy_of(self, bucket: str) -> dict[str, Any]:
        try:
            policy: dict[str, Any] = json.loads(self._s3.get_bucket_policy(Bucket=bucket)["Policy"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchBucketPolicy":
                return {}
            raise
        return policy


def make_file_name(title: str, suffix: str) -> str:
    """A name of QuickSight's choice: unique, and the caller has no part in it.

    It begins with the title of what the file shows, in whatever letters and signs that is written.
    """
    shown = title.replace("/", "_")[:80]
    return f"{shown} {time.time_ns() // 1_000_000}-{uuid.uuid4().hex[:12]}{suffix}"

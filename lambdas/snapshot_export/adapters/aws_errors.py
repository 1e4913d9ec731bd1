"""What AWS refuses, and what it does not answer, as one of our errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from snapshot_export.errors import TransientError

AWS_ERRORS = (ClientError, BotoCoreError, S3UploadFailedError)


def code_of(error: Exception) -> str:
    """AWS's code of a refusal, else the name of the exception."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"]
    return type(error).__name__


@contextmanager
def transient(what: str) -> Iterator[None]:
    """Raise TransientError, which names `what` and the code, for every error of AWS's."""
    try:
        yield
    except AWS_ERRORS as error:
        raise TransientError(f"{what}: {code_of(error)}") from None

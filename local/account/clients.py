"""boto3 clients of the embedded account that no environment variable or profile can redirect."""

import os
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from local.account.environment import ACCESS_KEY, REGION, SECRET_KEY


def make_client(
    service: str,
    endpoint_url: str,
    *,
    attempts: int | None = None,
    ca_file: str | None = None,
    keys: tuple[str, str] = (ACCESS_KEY, SECRET_KEY),
    region: str = REGION,
) -> Any:
    """A client with the embedded account's address and credentials, no profile and no proxy.

    `attempts` bounds how often botocore sends a call; None leaves botocore's own retries. `ca_file`
    is the certificate of an account that enforces IAM, `keys` the id and secret of a user of it.
    """
    core = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
            "ca_bundle": (None, None, None, None),
        }
    )
    session: Any = boto3.Session(
        botocore_session=core,
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        region_name=region,
    )
    config = Config(proxies={}, max_pool_connections=50, s3={"addressing_style": "path"})
    if attempts is not None:
        config = config.merge(Config(retries={"total_max_attempts": attempts}))
    return session.client(service, endpoint_url=endpoint_url, config=config, verify=ca_file)


def make_bucket(s3: Any, name: str) -> None:
    """A bucket in the client's region, which S3 wants named everywhere but in us-east-1."""
    s3.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name}
    )

"""An emulator on a virtual clock, and an S3 that it can write to."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from local.quicksight import Emulator, Settings
from tests.unit.quicksight_emulator.support import Caller, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def emulator(clock: Clock) -> Emulator:
    """No throttling, since the virtual clock stands still between calls."""
    return Emulator(Settings(calls_per_second=10_000), now=clock)


@pytest.fixture
def caller(emulator: Emulator) -> Caller:
    return Caller(emulator)


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def s3(aws_endpoint: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=aws_endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    )


@pytest.fixture
def bucket(s3: Any) -> str:
    """A bucket whose policy allows what QuickSight needs.

    Made for each test: moto's state is the process', and tests of other packages reset it.
    """
    name = "quicksight-exports"
    s3.create_bucket(Bucket=name)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "quicksight.amazonaws.com"},
        "Action": ["s3:PutObject", "s3:GetBucketLocation"],
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    return name


@pytest.fixture
def exporter(aws_endpoint: str, clock: Clock) -> Caller:
    """A caller of an emulator that can reach the bucket."""
    settings = Settings(calls_per_second=10_000, aws_endpoint=aws_endpoint)
    return Caller(Emulator(settings, now=clock))

"""A running emulator with an S3 behind it, on a virtual clock."""

import json
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from local.quicksight import QuickSightServer, Settings
from tests.contract.quicksight_emulator.support import Clock, Service, make_client


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    """An S3 with the bucket `exports`, open to QuickSight, and the bucket `closed`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    s3 = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    )
    for name in ("exports", "closed"):
        s3.create_bucket(Bucket=name)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "quicksight.amazonaws.com"},
        "Action": ["s3:PutObject", "s3:GetBucketLocation"],
        "Resource": ["arn:aws:s3:::exports", "arn:aws:s3:::exports/*"],
    }
    s3.put_bucket_policy(Bucket="exports", Policy=json.dumps({"Statement": [statement]}))
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def running(aws_endpoint: str) -> Iterator[Service]:
    clock = Clock()
    settings = Settings(calls_per_second=100_000, aws_endpoint=aws_endpoint)
    with QuickSightServer(settings, clock=clock) as server:
        yield Service(server, clock, make_client(server.url))


@pytest.fixture
def service(running: Service) -> Service:
    """The running emulator, with nothing left from the test before."""
    running.server.emulator.reset()
    return running

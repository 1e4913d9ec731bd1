"""The world of the flow tests: moto in the process, and one QuickSight emulator for all of them."""

from __future__ import annotations

import random
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from local.quicksight import QuickSightServer
from snapshot_export.domain import polling
from tests.support.quick_moto import quick_moto
from tests.support.sessions import WorldSession
from tests.support.strict_moto import strict_moto
from tests.support.world import ACCOUNT, REGION, START_TIME, Clock, World, quicksight_on

FEWER_POLLS = 0.35
"""Each poll is a real HTTP call; how close they are is tested in tests/unit/domain/test_polling."""


@pytest.fixture(scope="session")
def shared_clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def quicksight_server(shared_clock: Clock) -> Iterator[QuickSightServer]:
    with quicksight_on(shared_clock) as server:
        yield server


@pytest.fixture(scope="session")
def boto3_session() -> boto3.Session:
    """One for all tests: it reads the service models once."""
    return WorldSession(region_name=REGION)


@pytest.fixture
def aws(
    request: pytest.FixtureRequest,
    boto3_session: boto3.Session,
    shared_clock: Clock,
    quicksight_server: QuickSightServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[boto3.Session]:
    """moto's AWS for one test, with QuickSight and STS answered by the emulator.

    Every test begins at the same time and draws its own numbers, whichever ran before it.
    """
    for name in ("AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_QUICKSIGHT", quicksight_server.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", quicksight_server.url)
    monkeypatch.setenv("SSL_CERT_FILE", str(quicksight_server.ca_file))
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    monkeypatch.setattr(polling, "CLOSEST", FEWER_POLLS)
    shared_clock.time = START_TIME
    quicksight_server.emulator.reset()
    random.seed(request.node.name)
    with mock_aws(), quick_moto(), strict_moto(shared_clock.now):
        yield boto3_session


@pytest.fixture
def world(aws: boto3.Session, shared_clock: Clock, quicksight_server: QuickSightServer) -> World:
    return World(aws, quicksight_server, shared_clock)

"""Both implementations, each started once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from local.account.environment import ACCOUNT, REGION, client_environment
from local.quicksight import QuickSightServer, Settings
from tests.contract.adapters.implementations import (
    IMPLEMENTATIONS,
    Deployment,
    Implementation,
    make_deployment,
    serving,
)

NOW = 1_800_000_000.0


@pytest.fixture(scope="package", params=IMPLEMENTATIONS)
def account(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Implementation, str]]:
    """The implementation and its address."""
    implementation = cast("Implementation", request.param)
    with serving(implementation, tmp_path_factory.mktemp(implementation)) as url:
        yield implementation, url


@pytest.fixture
def implementation(account: tuple[Implementation, str]) -> Implementation:
    """Which one answers."""
    return account[0]


@pytest.fixture(scope="package")
def quicksight() -> Iterator[QuickSightServer]:
    """QuickSight has one implementation, the project's own."""
    with QuickSightServer(Settings(account=ACCOUNT, region=REGION)) as server:
        yield server


@pytest.fixture
def deployment(
    account: tuple[Implementation, str],
    quicksight: QuickSightServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Deployment:
    """The adapters over empty resources."""
    for name, value in client_environment(account[1]).items():
        if name.startswith("AWS_") or name.lower() == "no_proxy":
            monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_QUICKSIGHT", quicksight.url)
    return make_deployment(NOW)

"""Fixtures of the end-to-end tests: the stack, deployed by the real CDK."""

from collections.abc import Iterator

import pytest

from local.deployed import Deployed
from local.testing import deployed_stack


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The one deployment of the session; tests take `deployed`."""
    with deployed_stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture
def deployed(shared_stack: Deployed) -> Iterator[Deployed]:
    """The stack with nothing switched in QuickSight, before and after the test."""
    shared_stack.clear_switches()
    shared_stack.occupy(0)
    yield shared_stack
    shared_stack.clear_switches()
    shared_stack.occupy(0)

"""Fixtures of the end-to-end tests: the stack, deployed by the real CDK."""

import os
from collections.abc import Iterator

import pytest

from local.deployed import Deployed
from local.testing import deployed_stack


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The one deployment of the session; tests take `deployed`. E2E_IAM=1 enforces IAM."""
    enforce_iam = os.environ.get("E2E_IAM") == "1"
    with (
        deployed_stack(tmp_path_factory.mktemp("stack"), enforce_iam=enforce_iam) as stack,
        pytest.MonkeyPatch.context() as patch,
    ):
        if stack.aws_ca_file:
            for name in ("SSL_CERT_FILE", "AWS_CA_BUNDLE"):  # for urllib, for the command line
                patch.setenv(name, stack.aws_ca_file)
        yield stack


@pytest.fixture
def deployed(shared_stack: Deployed) -> Iterator[Deployed]:
    """The stack with nothing switched in QuickSight, before and after the test."""
    shared_stack.clear_switches()
    shared_stack.occupy(0)
    yield shared_stack
    shared_stack.clear_switches()
    shared_stack.occupy(0)

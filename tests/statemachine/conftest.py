"""One embedded account for the session, with the state machine on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.account import EmbeddedAws
from tests.statemachine.machine import Machine

WAIT_SCALE = 0.001


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Run the machine with a wait of 1000 s cut to 1 s."""
    with EmbeddedAws(tmp_path_factory.mktemp("account"), wait_scale=WAIT_SCALE) as account:
        yield Machine(account, tmp_path_factory.mktemp("scripts"))

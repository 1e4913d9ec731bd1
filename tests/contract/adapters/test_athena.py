"""The adapter of Athena sees the one that AWS describes, in the embedded account.

moto's queries have no end and no result of their own; flows are tested on one that has
(tests/support/athena.py).
"""

from __future__ import annotations

import pytest

from tests.contract.adapters.athena_cases import athena_queries
from tests.contract.adapters.implementations import Deployment


@pytest.mark.parametrize("account", ["ministack"], indirect=True)
def test_the_adapter_sees_what_athena_describes(deployment: Deployment) -> None:
    differing = {fact: seen for fact, seen, of_aws in athena_queries(deployment) if seen != of_aws}
    assert differing == {}

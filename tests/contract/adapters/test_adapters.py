"""The adapters see the same AWS in ministack and in moto's server: the one that AWS describes."""

from __future__ import annotations

import pytest

from tests.contract.adapters.cases import CASES
from tests.contract.adapters.facts import Case
from tests.contract.adapters.implementations import IMPLEMENTATIONS, Deployment, Implementation
from tests.contract.adapters.known_differences import KNOWN


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_an_adapter_sees_what_aws_describes(
    case: Case, implementation: Implementation, deployment: Deployment
) -> None:
    differing = {fact: seen for fact, seen, of_aws in case(deployment) if seen != of_aws}
    assert differing == {
        known.fact: known.answer
        for known in KNOWN
        if (known.implementation, known.case) == (implementation, case.__name__)
    }


def test_every_known_difference_has_a_case_and_the_word_of_aws() -> None:
    names = {case.__name__ for case in CASES}
    for known in KNOWN:
        assert known.case in names and known.implementation in IMPLEMENTATIONS
        assert known.source.startswith("https://")

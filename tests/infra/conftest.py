"""One synthesized template for the whole session, without bundling."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infra.parameters import Settings
from tests.infra.template_reader import StackTemplate, synthesize_stack

Synthesize = Callable[[Settings], StackTemplate]


@pytest.fixture(scope="session")
def synthesize() -> Synthesize:
    """Synthesize the stack with given settings, as for an account that is not known yet."""
    return synthesize_stack


@pytest.fixture(scope="session")
def template(synthesize: Synthesize) -> StackTemplate:
    """The template of a deployment that sets nothing."""
    return synthesize(Settings())

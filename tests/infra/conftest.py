"""One synthesized template for the whole session, without bundling."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infra.email_parameters import EmailParameters, LinkParameters
from infra.parameters import DeploymentParameters, Settings
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


@pytest.fixture(scope="session")
def whole(synthesize: Synthesize) -> StackTemplate:
    """The template of a deployment that has all that a deployment may have or not."""
    email = EmailParameters(
        sender="reports@example.com",
        configuration_set="mails",
        allowed_domains=("example.com",),
        links=LinkParameters(),
    )
    return synthesize(
        Settings(
            deployment=DeploymentParameters(
                email=email,
                athena_role="arn:aws:iam::000000000000:role/recipients",
                athena_work_groups=("recipients",),
                password_secrets="snapshot-passwords/",
            )
        )
    )

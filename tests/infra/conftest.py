"""One synthesized template for the whole session, without bundling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from infra.parameters import Settings
from infra.stack import SnapshotExportStack
from tests.infra.template_reader import StackTemplate

Synthesize = Callable[[Settings], StackTemplate]


@pytest.fixture(scope="session")
def synthesize() -> Synthesize:
    """Synthesize the stack with given settings, as for an account that is not known yet."""

    def run(settings: Settings) -> StackTemplate:
        context: dict[str, Any] = {
            "aws:cdk:bundling-stacks": [],
            "@aws-cdk/aws-iam:minimizePolicies": True,
        }
        app = cdk.App(context=context)
        stack = SnapshotExportStack(app, "SnapshotExport", settings=settings)
        return StackTemplate(dict(Template.from_stack(stack).to_json()))

    return run


@pytest.fixture(scope="session")
def template(synthesize: Synthesize) -> StackTemplate:
    """The template of a deployment that sets nothing."""
    return synthesize(Settings())

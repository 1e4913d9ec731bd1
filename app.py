"""The CDK entry: reads the context, builds the stack. It calls no AWS service."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import aws_cdk as cdk

sys.path.insert(1, str(Path(__file__).resolve().parent / "lambdas"))
from infra.declared_schedules import read_declared_schedules
from infra.parameters import DEFAULT_STACK, ParameterError, read_settings
from infra.stack import SnapshotExportStack
from infra.targets import check_places

_ROOT = Path(__file__).resolve().parent
_CDK_JSON = _ROOT / "cdk.json"


def main() -> int:
    """Synthesize the app. Returns the exit status: 1 for parameters that cannot be used.

    With the context key `nag` (`cdk synth -c nag=true`), findings of cdk-nag stop the synthesis.
    """
    app = cdk.App()
    # Set by the CDK CLI once it knows the account; without them the template fits any.
    env = cdk.Environment(
        account=os.environ.get("CDK_DEFAULT_ACCOUNT"), region=os.environ.get("CDK_DEFAULT_REGION")
    )
    try:
        settings = read_settings(app.node.try_get_context, cdk_json=_CDK_JSON)
        check_places(settings.deployment, env)
        folder = app.node.try_get_context("schedules") or "schedules"
        schedules = read_declared_schedules(_ROOT / folder, settings.deployment, env)
    except ParameterError as error:
        print(f"The deployment's parameters cannot be used:\n{error}", file=sys.stderr)
        return 1
    if app.node.try_get_context("nag"):
        from cdk_nag import AwsSolutionsChecks, ServerlessChecks

        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    SnapshotExportStack(app, DEFAULT_STACK, settings=settings, schedules=schedules, env=env)
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
